/* ioctl(), restarted after signals. */
#pragma once

#include <errno.h>
#include <sys/ioctl.h>

static inline int xioctl(int fd, unsigned long request, void *arg)
{
        int r;

        do
                r = ioctl(fd, request, arg);
        while (r < 0 && errno == EINTR);
        return r;
}
