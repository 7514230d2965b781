/* The end of a program. */
#pragma once

/* Hands over what was printed, and says so where standard output did not take all of it: the status is 1 then, else
 * `status`. */
int finish(const char *program, int status);
