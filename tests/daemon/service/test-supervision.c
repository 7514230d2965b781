/* The small parts of supervision.  clock_gettime() is replaced by this file's own with the linker's --wrap. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "daemon/bus/private.h"
#include "daemon/common/task.h"
#include "daemon/service/backoff.h"
#include "daemon/service/parts.h"
#include "daemon/service/sleep-watch.h"
#include "tests/cm.h"

static int64_t clocks[16]; /* ns, by clock */
static bool faked;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
        if (!faked)
                return __real_clock_gettime(clock, ret);
        *ret = (struct timespec){clocks[clock] / 1000000000, clocks[clock] % 1000000000};
        return 0;
}

static void pass(int64_t awake, int64_t asleep)
{
        clocks[CLOCK_MONOTONIC] += awake;
        clocks[CLOCK_BOOTTIME] += awake + asleep;
        clocks[CLOCK_REALTIME] += awake + asleep;
}

static void test_sleep_watch(void **state)
{
        const int64_t second = 1000000000;
        struct sleep_watch watch;

        faked = true;
        clocks[CLOCK_BOOTTIME] = 3600 * second; /* it slept before */
        sleep_watch_init(&watch);
        assert_true(sleep_watch_slept(&watch) == 0);
        pass(500 * second, 0);
        assert_true(sleep_watch_slept(&watch) == 0);
        clocks[CLOCK_REALTIME] += 86400 * second; /* somebody set the time of day */
        assert_true(sleep_watch_slept(&watch) == 0);
        pass(second, 90 * second);
        assert_true(sleep_watch_slept(&watch) == 90);
        assert_true(sleep_watch_slept(&watch) == 0); /* said once */
        pass(second, 2 * second);
        assert_true(sleep_watch_slept(&watch) == 2);
        for (int i = 0; i < 100; i++) { /* the time between two calls is no sleep */
                clocks[CLOCK_BOOTTIME] += i % 2 ? 1000000 : -1000000;
                assert_true(sleep_watch_slept(&watch) == 0);
        }
        faked = false;
}

static void test_backoff(void **state)
{
        struct backoff backoff = {0};
        uint64_t last = 0;

        assert_int_equal(backoff_next(&backoff), 0);
        for (int i = 0; i < 20; i++) {
                uint64_t next = backoff_next(&backoff);
                assert_true(next > 0 && next >= last && next <= 1000000);
                last = next;
        }
        assert_int_equal(last, 1000000);
        backoff_reset(&backoff);
        assert_int_equal(backoff_next(&backoff), 0);
}

struct work {
        int gate[2]; /* the task reads from it before it returns */
        int done;
        sigset_t blocked;
};

static void work(void *userdata)
{
        struct work *w = userdata;
        char c;

        pthread_sigmask(SIG_SETMASK, NULL, &w->blocked);
        w->done = read(w->gate[0], &c, 1) == 1;
}

static void test_task(void **state)
{
        struct task task = TASK_NONE;
        struct work w = {.done = -1};

        task_finish(&task); /* nothing was begun */
        assert_int_equal(pipe(w.gate), 0);
        assert_int_equal(task_begin(&task, work, &w), 0);
        struct pollfd event = {.fd = task.fd, .events = POLLIN};
        assert_int_equal(poll(&event, 1, 50), 0); /* it runs beside us */
        assert_int_equal(write(w.gate[1], "x", 1), 1);
        assert_int_equal(poll(&event, 1, 10000), 1);
        task_finish(&task);
        assert_int_equal(w.done, 1);
        assert_int_equal(task.fd, -1);
        assert_true(sigismember(&w.blocked, SIGTERM) && sigismember(&w.blocked, SIGINT));
        close(w.gate[0]);
        close(w.gate[1]);
}

/* The watchdog asks how old the oldest thread of a call is. */
static void test_calls_have_an_age(void **state)
{
        struct call young = {.task.running = true, .since = 700};
        struct call old = {.task.running = true, .since = 500, .next = &young};
        struct call waiting = {.since = 100, .next = &old};
        struct bus bus = {0};

        assert_int_equal(bus_working_since(NULL), 0);
        assert_int_equal(bus_working_since(&bus), 0);
        bus.calls = &waiting;
        assert_int_equal(bus_working_since(&bus), 500);
        young.since = 300;
        assert_int_equal(bus_working_since(&bus), 300);
        young.task.running = old.task.running = false;
        assert_int_equal(bus_working_since(&bus), 0);
}

/* Only what has never worked in this process may compile for long. */
static void test_gpu_patience(void **state)
{
        static struct supervisor sv;
        const uint64_t first = supervisor_gpu_patience(&sv);

        sv.gpu.works = true;
        const uint64_t again = supervisor_gpu_patience(&sv);
        assert_true(again < first);
        snprintf(sv.gpu.wish.gpu, sizeof sv.gpu.wish.gpu, "another");
        assert_int_equal(supervisor_gpu_patience(&sv), first);
        sv.gpu.worked = sv.gpu.wish;
        assert_int_equal(supervisor_gpu_patience(&sv), again);
}

/* What reads files does so on a thread. */
static void test_work_of_methods(void **state)
{
        static const char *const names[] = {"SetModel", "Reload", "ListCameras", "ListGpus", "ListModels", "Snapshot"};

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                assert_non_null(bus_method(names[i])->work);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sleep_watch),  cmocka_unit_test(test_backoff),
                cmocka_unit_test(test_task),         cmocka_unit_test(test_calls_have_an_age),
                cmocka_unit_test(test_gpu_patience), cmocka_unit_test(test_work_of_methods),
        };

        return cmocka_run_group_tests_name("daemon-supervision", tests, NULL, NULL);
}
