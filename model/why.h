/* One line for a person that goes with an error. */
#pragma once

#include <stddef.h>

/* Writes the line (cut to fit; control characters become '?', since names come from files nobody vouches for) and
 * returns `error`, so that `return why_set(...)` reads as one step.  `why` may be NULL when `size` is 0. */
int why_set(char *why, size_t size, int error, const char *format, ...) __attribute__((format(printf, 4, 5)));
