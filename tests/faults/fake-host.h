/* Replacements for functions of the C library, put in place by the linker's --wrap.  Calls fail as faults.h says.  Only
 * the device's work, sleeping and reading the clock advance the clock, so every measurement gives the same result. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

void host_begin(void); /* call it first */

/* Whether to run the self-test, which is half of the time that opening takes. */
void host_self_test(bool made);

void host_pass(uint64_t ns); /* moves the clock on */

void host_hurry(bool hurry); /* poll() returns at once, as if its timeout had expired */

/* The machine's own clock. */
void host_real_time(struct timespec *ret);

/* Allocations since faults_begin() that have not been freed. */
long host_alive(void);
