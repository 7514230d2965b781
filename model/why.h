/* The line for the user that explains an error. */
#pragma once

#include <stddef.h>

/* Writes the line and returns `error`, so that a caller can `return why_set(...)`.  The line is truncated to fit, and
 * control characters become '?', because names come from untrusted files.  `why` may be NULL if `size` is 0. */
int why_set(char *why, size_t size, int error, const char *format, ...) __attribute__((format(printf, 4, 5)));
