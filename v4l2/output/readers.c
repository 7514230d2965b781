#include <errno.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "v4l2/output/openers.h"
#include "v4l2/output/readers.h"
#include "v4l2/video-io.h"

/* A driver with endless events must not hang us. */
#define EVENTS_MAX 64

/* v4l2loopback's event: since 0.13.2, and in Ubuntu's 0.12. */
static const uint32_t types[] = {V4L2_EVENT_PRIVATE_START + 0x08e00000 + 1, V4L2_EVENT_PRIVATE_START};

struct readers {
        struct openers *openers; /* NULL: the driver reports readers, on `epoll` */
        int node, epoll;
        unsigned count;
};

static bool subscribe(int node)
{
        bool any = false;

        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
                struct v4l2_event_subscription wish = {.type = types[i], .flags = V4L2_EVENT_SUB_FL_SEND_INITIAL};

                any |= video_io_kernel.ioctl(node, VIDIOC_SUBSCRIBE_EVENT, &wish) == 0;
        }
        return any;
}

/* Returns whether there was an event. */
static bool take_events(struct readers *readers)
{
        bool any = false;

        for (int i = 0; i < EVENTS_MAX; i++) {
                struct v4l2_event event = {0};
                uint32_t count;

                if (video_io_kernel.ioctl(readers->node, VIDIOC_DQEVENT, &event) < 0)
                        break;
                any = true;
                memcpy(&count, event.u.data, sizeof count);
                if (event.type == types[0] || event.type == types[1])
                        readers->count = count;
        }
        return any;
}

/* Up to 0.13 the driver's poll() does not add the caller to its wait queue while an event is pending, such as the
 * initial one, so no further events would arrive.  Therefore the events are consumed before a node is added to the
 * set. */
static int watch(struct readers *readers)
{
        struct epoll_event interest = {.events = EPOLLPRI};
        int turns = 0;

        readers->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (readers->epoll < 0)
                return -errno;
        take_events(readers);
        if (epoll_ctl(readers->epoll, EPOLL_CTL_ADD, readers->node, &interest) < 0)
                return -errno;
        while (take_events(readers) && turns++ < EVENTS_MAX) {
                epoll_ctl(readers->epoll, EPOLL_CTL_DEL, readers->node, NULL);
                if (epoll_ctl(readers->epoll, EPOLL_CTL_ADD, readers->node, &interest) < 0)
                        return -errno;
        }
        return 0;
}

int readers_open(int fd, struct readers **ret)
{
        struct readers *readers = calloc(1, sizeof *readers);
        int r;

        if (!readers)
                return -ENOMEM;
        readers->node = fd;
        readers->epoll = -1;
        r = subscribe(fd) ? watch(readers) : openers_open(fd, &readers->openers);
        if (r < 0) {
                readers_close(readers);
                return r;
        }
        *ret = readers;
        return 0;
}

void readers_close(struct readers *readers)
{
        if (!readers)
                return;
        openers_close(readers->openers);
        if (readers->epoll >= 0)
                close(readers->epoll);
        free(readers);
}

int readers_fd(const struct readers *readers)
{
        return readers->openers ? openers_fd(readers->openers) : readers->epoll;
}

void readers_dispatch(struct readers *readers)
{
        if (readers->openers)
                openers_dispatch(readers->openers);
        else
                take_events(readers);
}

unsigned readers_count(const struct readers *readers)
{
        return readers->openers ? openers_count(readers->openers) : readers->count;
}
