/* The C library's part of it, put in its place by the linker's --wrap: calls that fail as faults.h says, and a clock
 * that only the device's work and sleeping move, so that what is timed comes out the same every time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

void host_begin(void); /* first of all */

/* Whether there is a self-test, which takes half of the time that opening takes. */
void host_self_test(bool made);

void host_pass(uint64_t ns); /* the clock goes on */

void host_hurry(bool hurry); /* poll() takes no time, as if its timeout were over */

/* The machine's own clock. */
void host_real_time(struct timespec *ret);

/* What malloc() and the like gave and free() has not had back, since faults_begin(). */
long host_alive(void);
