#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "model/parser.h"
#include "tests/faults/fake-host.h"
#include "tests/faults/faults.h"

static atomic_ullong clock_ns = 1000000000000;
static atomic_long alive;
static bool self_test = true, hurries;

/* The names that the linker's --wrap gives. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *memory);
char *__real_strdup(const char *text);
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __real_eventfd(unsigned count, int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __real_parser_self_test(struct gpu *gpu, enum gpu_dtype precision, char *why, size_t why_size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_usleep(useconds_t microseconds);
int __wrap_parser_self_test(struct gpu *gpu, enum gpu_dtype precision, char *why, size_t why_size);

long host_alive(void)
{
        return alive;
}

static bool fails(enum fault_point point)
{
        int error = fault_due(point);

        if (error)
                errno = error;
        return error != 0;
}

static void *count(void *memory)
{
        if (memory && faults_counting())
                alive++;
        return memory;
}

void *__wrap_malloc(size_t size)
{
        return fails(FAULT_malloc) ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails(FAULT_calloc) ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
        if (fails(FAULT_realloc))
                return NULL;
        return old ? __real_realloc(old, size) : count(__real_malloc(size));
}

void __wrap_free(void *memory)
{
        if (memory && faults_counting())
                alive--;
        __real_free(memory);
}

char *__wrap_strdup(const char *text)
{
        return fails(FAULT_strdup) ? NULL : count(__real_strdup(text));
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
        va_list ap;

        if (fails(FAULT_asprintf)) {
                *ret = (char *)8; /* undefined, according to its manual */
                return -1;
        }
        va_start(ap, format);
        int n = vasprintf(ret, format, ap);
        va_end(ap);
        count(n < 0 ? NULL : *ret);
        return n;
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
        return fails(FAULT_pthread_create) ? errno : __real_pthread_create(ret, attributes, start, argument);
}

int __wrap_eventfd(unsigned n, int flags)
{
        return fails(FAULT_eventfd) ? -1 : __real_eventfd(n, flags);
}

/* jansson's own allocations never fail here: if version 2.14 cannot extend its text buffer, it reads beyond the end. */
void host_begin(void)
{
        /* Memory is kept from play to play, because mapping and unmapping it takes half of the time. */
        mallopt(M_MMAP_THRESHOLD, 1 << 30);
        mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

/* ---- time ---- */

void host_pass(uint64_t ns)
{
        clock_ns += ns;
}

void host_real_time(struct timespec *ret)
{
        __real_clock_gettime(CLOCK_REALTIME, ret);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
        uint64_t now = atomic_fetch_add(&clock_ns, 1000);

        *ret = (struct timespec){now / 1000000000, now % 1000000000};
        return 0;
}

void host_hurry(bool hurry)
{
        hurries = hurry;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
        return __real_poll(fds, n, hurries && timeout > 0 ? 0 : timeout);
}

int __wrap_usleep(useconds_t microseconds)
{
        host_pass(microseconds * UINT64_C(1000));
        return 0;
}

/* ---- the self-test ---- */

void host_self_test(bool made)
{
        self_test = made;
}

/* A device that computes nothing rightly fails the self-test.  It is run for its other errors, and a wrong result
 * (-EIO) is ignored. */
int __wrap_parser_self_test(struct gpu *gpu, enum gpu_dtype precision, char *why, size_t why_size)
{
        int r = self_test ? __real_parser_self_test(gpu, precision, why, why_size) : 0;

        return r == -EIO ? 0 : r;
}
