/* Messages for the person who runs the program: one line each, on stderr; in the journal's fields, which visaged(8) lists,
 * when the journal listens there. */
#pragma once

#include <stdbool.h>
#include <syslog.h>

/* Which part of the daemon speaks, field VISAGED_COMPONENT.  A file that belongs to a component defines it before it includes
 * anything. */
#ifndef LOG_COMPONENT
#define LOG_COMPONENT "daemon"
#endif

void log_init(const char *program);
void log_line(const char *component, int priority, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_error(...) log_line(LOG_COMPONENT, LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_COMPONENT, LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_COMPONENT, LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_COMPONENT, LOG_INFO, __VA_ARGS__)

/* What goes wrong in a part and comes right again, each with a MESSAGE_ID that the catalogue (systemd/visaged.catalog)
 * explains. */
enum log_trouble { LOG_CAMERA, LOG_GPU, LOG_SINK };

/* Something that can be wrong for a long time: said when it begins and when its cause changes, then when it ends.  Zero
 * the rest. */
struct log_cause {
        enum log_trouble trouble;
        char text[512];
        unsigned long count;
};
void log_cause(struct log_cause *cause, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Logs `format` and how often the last cause occurred, if there was one. */
void log_cause_end(struct log_cause *cause, const char *format, ...) __attribute__((format(printf, 2, 3)));
