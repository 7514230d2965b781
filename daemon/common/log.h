/* Messages for the administrator, one line each, on stderr.  If the journal listens there, they have the fields that
 * visaged(8) lists. */
#pragma once

#include <stdbool.h>
#include <syslog.h>

/* Which part of the daemon speaks, field VISAGED_COMPONENT.  A file that belongs to a component defines it before it
 * includes anything. */
#ifndef LOG_COMPONENT
#define LOG_COMPONENT "daemon"
#endif

void log_init(const char *program);
void log_line(const char *component, int priority, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_error(...) log_line(LOG_COMPONENT, LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_COMPONENT, LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_COMPONENT, LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_COMPONENT, LOG_INFO, __VA_ARGS__)

/* Faults that begin and end on their own.  Each has MESSAGE_IDs, which the catalogue (systemd/visaged.catalog)
 * explains. */
enum log_trouble { LOG_CAMERA, LOG_GPU, LOG_SINK };

/* A fault that can last for a long time.  It is logged when it begins, when its cause changes, and when it ends.  Set
 * `trouble` and zero the rest. */
struct log_cause {
        enum log_trouble trouble;
        char text[512];
        unsigned long count;
};
void log_cause(struct log_cause *cause, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* If there was a cause, logs `format` and how often the last cause occurred. */
void log_cause_end(struct log_cause *cause, const char *format, ...) __attribute__((format(printf, 2, 3)));
