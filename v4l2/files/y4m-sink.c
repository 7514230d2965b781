#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "v4l2/files/y4m.h"
#include "v4l2/sink-kind.h"
#include "v4l2/why.h"

#define FLUSH_MS 1000 /* how long to wait for a slow reader of the remaining bytes */

struct y4m_sink {
        struct sink base;
        int fd, epoll;   /* `epoll` is readable while a pipe can take remaining bytes; -1: not a pipe */
        size_t piece;    /* the most to write at once */
        uint8_t *data;   /* a frame with its header, or the file's */
        size_t at, size; /* the part of it that is still to be written */
};

static bool is_late(int fd, int patience_ms)
{
        return poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, patience_ms) == 0;
}

/* Writes the remaining bytes, in pieces that a writable pipe takes at once, so that a reader that has stopped does not
 * block us.  -EAGAIN: it has read nothing for that long.  -ENODEV: the pipe's other end is gone. */
static int write_rest(struct y4m_sink *y4m, int patience_ms)
{
        while (y4m->at < y4m->size) {
                const size_t rest = y4m->size - y4m->at;

                if (is_late(y4m->fd, patience_ms))
                        return -EAGAIN;
                ssize_t n = write(y4m->fd, y4m->data + y4m->at, rest < y4m->piece ? rest : y4m->piece);
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return errno == EPIPE ? -ENODEV : -errno;
                y4m->at += n > 0 ? (size_t)n : 0;
        }
        return 0;
}

/* The same without waiting.  Since half a frame would break the stream, the descriptor tells when the rest can
 * follow. */
static int write_more(struct y4m_sink *y4m)
{
        struct epoll_event interest = {0};
        int r = write_rest(y4m, 0);

        if (y4m->epoll < 0)
                return r;
        interest.events = r == -EAGAIN ? EPOLLOUT : 0;
        if (epoll_ctl(y4m->epoll, EPOLL_CTL_MOD, y4m->fd, &interest) < 0)
                return -errno;
        return r;
}

static void close_sink(struct sink *sink)
{
        struct y4m_sink *y4m = (struct y4m_sink *)sink;

        if (y4m->fd >= 0)
                close(y4m->fd);
        if (y4m->epoll >= 0)
                close(y4m->epoll);
        free(y4m->data);
        free(y4m);
}

static int show(struct sink *sink, const uint8_t *frame, uint64_t time_ns)
{
        static const char head[] = "FRAME\n";
        struct y4m_sink *y4m = (struct y4m_sink *)sink;
        const size_t length = sizeof head - 1;
        int r;

        (void)time_ns; /* the format has no times */
        r = write_more(y4m);
        if (r < 0)
                return r;
        memcpy(y4m->data, head, length);
        memcpy(y4m->data + length, frame, sink->format.size);
        y4m->at = 0;
        y4m->size = length + sink->format.size;
        r = write_more(y4m);
        return r == -EAGAIN ? 0 : r; /* the frame is accepted */
}

static int get_fd(const struct sink *sink)
{
        return ((const struct y4m_sink *)sink)->epoll;
}

/* A reader that is gone is reported even if nothing remains to be written. */
static int dispatch(struct sink *sink)
{
        struct y4m_sink *y4m = (struct y4m_sink *)sink;
        struct pollfd end = {.fd = y4m->fd};
        int r;

        if (poll(&end, 1, 0) > 0)
                return -ENODEV;
        r = write_more(y4m);
        return r == -EAGAIN ? 0 : r;
}

static int flush(struct sink *sink)
{
        return write_rest((struct y4m_sink *)sink, FLUSH_MS);
}

static const struct sink_ops ops = {close_sink, show, get_fd, dispatch, NULL, flush};

/* A regular file cannot be in an epoll set, and takes everything at once. */
static int watch(struct y4m_sink *y4m)
{
        struct epoll_event interest = {0};

        y4m->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (y4m->epoll < 0)
                return -errno;
        if (epoll_ctl(y4m->epoll, EPOLL_CTL_ADD, y4m->fd, &interest) == 0) {
                y4m->piece = PIPE_BUF;
                return 0;
        }
        close(y4m->epoll);
        y4m->epoll = -1;
        y4m->piece = SIZE_MAX;
        return 0;
}

static int prepare(struct y4m_sink *y4m, const char *path, const struct frame_format *format, struct frame_rate rate,
                   char *why, size_t why_size)
{
        int r;

        r = sink_file_format(format, &y4m->base.format);
        if (r < 0)
                return why_say(why, why_size, r, "%s: a size of %ux%u cannot be written; choose another", path,
                               format->width, format->height);
        y4m->data = malloc(Y4M_HEADER_MAX + y4m->base.format.size);
        if (!y4m->data)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; choose a smaller size", path);
        y4m->size = y4m_print(&y4m->base.format, rate, (char *)y4m->data, Y4M_HEADER_MAX);
        y4m->fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
                                    : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
        r = y4m->fd < 0 ? -errno : watch(y4m);
        if (!r)
                r = write_more(y4m);
        if (r < 0 && r != -EAGAIN)
                return why_say(why, why_size, r, "%s: %s; choose a writable file", path, strerror(-r));
        return 0;
}

int y4m_sink_open(const char *path, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                  char *why, size_t why_size)
{
        struct y4m_sink *y4m = calloc(1, sizeof *y4m);
        int r;

        if (!y4m)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; close other programs", path);
        y4m->base.ops = &ops;
        y4m->fd = y4m->epoll = -1;
        r = prepare(y4m, path, format, rate, why, why_size);
        if (r < 0) {
                close_sink(&y4m->base);
                return r;
        }
        *ret = &y4m->base;
        return 0;
}
