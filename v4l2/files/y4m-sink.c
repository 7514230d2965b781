#include "v4l2/outlet.h"
#include "v4l2/why.h"
#include "v4l2/files/y4m.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 100  /* how long to wait for a slow reader before returning to the caller */
#define FAREWELL_MS 1000 /* the same for the remaining bytes at the end */

struct y4m_sink {
        struct sink base;
        int fd;
        size_t piece;    /* the most to write at once */
        uint8_t *data;   /* a frame with its header, or the file's */
        size_t at, size; /* the part of it that is still to be written */
};

static bool is_late(int fd, int patience_ms)
{
        return poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, patience_ms) == 0;
}

/* Writes the remaining bytes, in pieces that a writable pipe takes at once, so that a reader that has stopped does not
 * block us.  -EAGAIN: it has read nothing for that long.  Since half a frame would break the stream, the rest follows
 * later. */
static int write_rest(struct y4m_sink *y4m, int patience_ms)
{
        while (y4m->at < y4m->size) {
                const size_t rest = y4m->size - y4m->at;

                if (is_late(y4m->fd, patience_ms))
                        return -EAGAIN;
                ssize_t n = write(y4m->fd, y4m->data + y4m->at, rest < y4m->piece ? rest : y4m->piece);
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                y4m->at += n > 0 ? (size_t)n : 0;
        }
        return 0;
}

static void close_sink(struct sink *sink)
{
        struct y4m_sink *y4m = (struct y4m_sink *)sink;

        if (y4m->fd >= 0) {
                write_rest(y4m, FAREWELL_MS);
                close(y4m->fd);
        }
        free(y4m->data);
        free(y4m);
}

static int show(struct sink *sink, const uint8_t *frame, uint64_t time_ns)
{
        static const char head[] = "FRAME\n";
        struct y4m_sink *y4m = (struct y4m_sink *)sink;
        const size_t length = sizeof(head) - 1;
        int err;

        (void)time_ns; /* the format has no times */
        err = write_rest(y4m, PATIENCE_MS);
        if (!err) {
                memcpy(y4m->data, head, length);
                memcpy(y4m->data + length, frame, sink->format.size);
                y4m->at = 0;
                y4m->size = length + sink->format.size;
                err = write_rest(y4m, PATIENCE_MS);
                if (err == -EAGAIN)
                        return 0; /* the frame is accepted */
        }
        /* The pipe's other end, or the disk, is gone for good. */
        return err == -EPIPE ? -ENODEV : err;
}

static const struct sink_ops ops = {close_sink, show};

static int prepare(struct y4m_sink *y4m, const char *path, const struct frame_format *format, struct frame_rate rate,
                   char *why, size_t why_size)
{
        struct stat st;
        int err;

        err = sink_file_format(format, &y4m->base.format);
        if (err < 0)
                return why_say(why, why_size, err, "%s: a size of %ux%u cannot be written; choose another", path,
                               format->width, format->height);
        y4m->data = malloc(Y4M_HEADER_MAX + y4m->base.format.size);
        if (!y4m->data)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; choose a smaller size", path);
        y4m->size = y4m_print(&y4m->base.format, rate, (char *)y4m->data, Y4M_HEADER_MAX);
        y4m->fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
                                    : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
        err = y4m->fd < 0 ? -errno : 0;
        if (!err) {
                y4m->piece = fstat(y4m->fd, &st) == 0 && S_ISREG(st.st_mode) ? SIZE_MAX : PIPE_BUF;
                err = write_rest(y4m, PATIENCE_MS);
        }
        if (err < 0 && err != -EAGAIN)
                return why_say(why, why_size, err, "%s: %s; choose a file that can be written", path, strerror(-err));
        return 0;
}

int y4m_sink_open(const char *path, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                  char *why, size_t why_size)
{
        struct y4m_sink *y4m = calloc(1, sizeof(*y4m));
        int err;

        if (!y4m)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; close other programs", path);
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
