#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "v4l2/frame-timer.h"

#define NS_PER_S 1000000000ull

static uint64_t nanoseconds(struct timespec time)
{
        return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

bool frame_rate_sane(struct frame_rate rate)
{
        uint64_t num = rate.numerator, den = rate.denominator;

        return num && den && num <= 1000 * den && num * 100 >= den;
}

int frame_timer_open(void)
{
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int frame_timer_start(int fd, struct frame_rate rate)
{
        uint64_t ns = NS_PER_S * rate.denominator / rate.numerator;
        struct timespec interval = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
        struct itimerspec spec = {.it_interval = interval, .it_value = interval};

        return timerfd_settime(fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

void frame_timer_stop(int fd)
{
        static const struct itimerspec never;

        timerfd_settime(fd, 0, &never, NULL);
}

uint64_t frame_timer_take(int fd)
{
        uint64_t due;

        return read(fd, &due, sizeof due) == sizeof due ? due : 0;
}

uint64_t frame_timer_last(int fd)
{
        struct itimerspec next = {0};

        timerfd_gettime(fd, &next);
        return monotonic_now() + nanoseconds(next.it_value) - nanoseconds(next.it_interval);
}

uint64_t monotonic_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return nanoseconds(now);
}
