/* The end of a program. */
#pragma once

/* Flushes standard output.  If it could not be written completely, says so and returns 1; otherwise returns
 * `status`. */
int finish(const char *program, int status);
