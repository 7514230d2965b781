/* visagectl's commands.  Each has a file, and a row in the table in visagectl.c. */
#pragma once

#include <stddef.h>

/* argv[0] is the command's name.  Each returns an exit status (0: success; 1: something went wrong; 2: wrong usage), or
 * COMMAND_GPU_LOST: status 1, without running the exit handlers, in which the driver may hang. */
#define COMMAND_GPU_LOST 256
int command_parse(int argc, char **argv);
int command_eval(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_gpus(int argc, char **argv);
int command_cameras(int argc, char **argv);
int command_status(int argc, char **argv);
int command_control(int argc, char **argv); /* start, stop, pause, resume, reload */
int command_set(int argc, char **argv);
int command_effect(int argc, char **argv);
int command_models(int argc, char **argv);
int command_snapshot(int argc, char **argv);
int command_monitor(int argc, char **argv);
int command_hold(int argc, char **argv); /* the status of its COMMAND, if there is one */
int command_metrics(int argc, char **argv);
int command_doctor(int argc, char **argv);

/* "visagectl: ..." on stderr. */
void command_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for wrong usage, and a line about --help.  `format` may be NULL.  Returns 2. */
int command_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An error with one of many files.  Adds its name, unless `why` has it already. */
void command_error_of(const char *file, const char *why);

/* A line on stderr that the next one replaces; nothing if that is no terminal.  Clear it before printing anything
 * else. */
void command_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void command_progress_clear(void);

/* getopt_long(), whose messages begin with "visagectl COMMAND". */
struct option;
int command_getopt(int argc, char **argv, const char *brief, const struct option *table);
