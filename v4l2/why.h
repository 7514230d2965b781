/* The line for the user that explains an error. */
#pragma once

#include <stddef.h>

/* Writes the line to `why` (may be NULL or of size 0) and returns `error`, so that a failing branch is one statement.
 * Control characters become question marks. */
int why_say(char *why, size_t why_size, int error, const char *format, ...) __attribute__((format(printf, 4, 5)));
