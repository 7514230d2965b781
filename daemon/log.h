/* Messages for the person who runs the program: one line each, on stderr, with sd-daemon(3) priority prefixes when the
 * journal listens there. */
#pragma once

#include <stdbool.h>
#include <syslog.h>

void log_init(const char *program);
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)

/* Something that can be wrong for a long time: said when it begins and when its cause changes, then when it ends.  Zero
 * it. */
struct log_cause {
        char text[512];
        unsigned long count;
};
void log_cause(struct log_cause *cause, int priority, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Logs `format` and how often the last cause occurred, if there was one. */
void log_cause_end(struct log_cause *cause, const char *format, ...) __attribute__((format(printf, 2, 3)));
