#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "v4l2/camera.h"

#define DEV "/dev"

/* With inotify, because udev's messages do not reach a service that has its own network namespace, as ours does. */
int camera_watch(void)
{
        int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        /* IN_ATTRIB: udev sets the permissions after the node has appeared. */
        if (inotify_add_watch(fd, DEV, IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0) {
                r = -errno;
                close(fd);
                return r;
        }
        return fd;
}

bool camera_watch_heard(int fd)
{
        _Alignas(struct inotify_event) char buffer[4096];
        bool heard = false;
        ssize_t n;

        while ((n = read(fd, buffer, sizeof buffer)) > 0)
                for (const char *at = buffer; at < buffer + n;) {
                        const struct inotify_event *event = (const struct inotify_event *)at;

                        heard |= event->mask & IN_Q_OVERFLOW || (event->len && !strncmp(event->name, "video", 5));
                        at += sizeof *event + event->len;
                }
        return heard;
}
