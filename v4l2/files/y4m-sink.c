#include "v4l2/outlet.h"
#include "v4l2/why.h"
#include "v4l2/files/y4m.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct y4m_sink {
        struct sink base;
        int fd;
};

/* Waits where standard output is a pipe that somebody made non-blocking: half a frame would be the end of the stream.
 */
static int write_all(int fd, const void *data, size_t size)
{
        const uint8_t *p = data;

        while (size) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno == EAGAIN) {
                        poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
                        continue;
                }
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                p += n;
                size -= (size_t)n;
        }
        return 0;
}

static void close_sink(struct sink *sink)
{
        struct y4m_sink *y4m = (struct y4m_sink *)sink;

        if (y4m->fd >= 0)
                close(y4m->fd);
        free(y4m);
}

static int show(struct sink *sink, const uint8_t *frame, uint64_t time_ns)
{
        struct y4m_sink *y4m = (struct y4m_sink *)sink;
        int err;

        (void)time_ns; /* the format knows none */
        err = write_all(y4m->fd, "FRAME\n", 6);
        if (!err)
                err = write_all(y4m->fd, frame, sink->format.size);
        /* The pipe's other end, or the disk, is gone for good. */
        return err == -EPIPE ? -ENODEV : err;
}

static const struct sink_ops ops = {close_sink, show};

static int prepare(struct y4m_sink *y4m, const char *path, const struct frame_format *format, struct frame_rate rate,
                   char *why, size_t why_size)
{
        char head[Y4M_HEADER_MAX];
        size_t length;
        int err;

        err = sink_file_format(format, &y4m->base.format);
        if (err < 0)
                return why_say(why, why_size, err, "%s: a size of %ux%u cannot be written; choose another", path,
                               format->width, format->height);
        length = y4m_print(&y4m->base.format, rate, head, sizeof(head));
        y4m->fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
                                    : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
        err = y4m->fd < 0 ? -errno : write_all(y4m->fd, head, length);
        if (err < 0)
                return why_say(why, why_size, err, "%s: %s; choose a file that can be written", path, strerror(-err));
        return 0;
}

int y4m_sink_open(const char *path, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                  char *why, size_t why_size)
{
        struct y4m_sink *y4m = calloc(1, sizeof(*y4m));
        int err;

        if (!y4m)
                return why_say(why, why_size, -ENOMEM, "%s: no memory; close other programs", path);
        y4m->base.ops = &ops;
        y4m->fd = -1;
        err = prepare(y4m, path, format, rate, why, why_size);
        if (err < 0) {
                close_sink(&y4m->base);
                return err;
        }
        *ret = &y4m->base;
        return 0;
}
