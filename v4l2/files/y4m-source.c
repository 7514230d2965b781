#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "v4l2/camera-kind.h"
#include "v4l2/files/y4m.h"
#include "v4l2/frame-timer.h"
#include "v4l2/why.h"

/* After a pause (suspend, debugger), missed frames are not stepped over one by one. */
#define CATCH_UP_MAX 100

struct y4m_source {
        struct camera base;
        int file;
        bool once;
        off_t first, at; /* offsets of the first frame header, and of the next one */
        off_t body;      /* offset of the samples that were stepped over last */
        uint64_t due;    /* frames since the start */
        bool ended;
        uint8_t *data;
};

static int say_file(const char *path, int error, char *why, size_t why_size)
{
        const char *text = error == EACCES   ? "permission denied; let the user read it (chmod, chown)"
                           : error == ENOENT ? "no such file; check the name"
                                             : strerror(error);

        return why_say(why, why_size, -error, "%s: %s", path, text);
}

/* Returns the number of bytes, which is smaller only at the end of the file. */
static size_t read_at(int file, off_t at, uint8_t *data, size_t size)
{
        size_t got = 0;

        while (got < size) {
                ssize_t n = pread(file, data + got, size - got, at + (off_t)got);

                if (n <= 0)
                        break;
                got += (size_t)n;
        }
        return got;
}

/* Steps over the frame at `at` and remembers where its samples are.  -EBADMSG: there is no complete frame. */
static int step(struct y4m_source *source)
{
        uint32_t size = source->base.format.size;
        uint8_t head[Y4M_HEADER_MAX], last;
        size_t length;
        off_t body;

        if (y4m_parse_frame(head, read_at(source->file, source->at, head, 64), &length) < 0 &&
            y4m_parse_frame(head, read_at(source->file, source->at, head, sizeof head), &length) < 0)
                return -EBADMSG;
        body = source->at + (off_t)length;
        if (read_at(source->file, body + size - 1, &last, 1) != 1)
                return -EBADMSG;
        source->body = body;
        source->at = body + size;
        return 0;
}

/* At the end of the file `at` returns to the beginning.  A damaged frame is also an end, because what follows cannot be
 * located. */
static int advance(struct y4m_source *source)
{
        uint8_t any;

        if (!step(source))
                return 0;
        if (read_at(source->file, source->at, &any, 1))
                source->base.counters.corrupt++;
        if (source->once || source->at == source->first)
                return -ENODEV;
        source->at = source->first;
        return step(source) < 0 ? -ENODEV : 0;
}

static void close_source(struct camera *camera)
{
        struct y4m_source *source = (struct y4m_source *)camera;

        if (camera->fd >= 0)
                close(camera->fd);
        if (source->file >= 0)
                close(source->file);
        free(source->data);
        free(source);
}

static int start(struct camera *camera)
{
        return frame_timer_start(camera->fd, camera->rate);
}

static void stop(struct camera *camera)
{
        frame_timer_stop(camera->fd);
}

/* Steps over as many frames as were due and reads the last one.  If the file ends meanwhile, delivers its last frame
 * first. */
static int next(struct camera *camera, struct frame *ret)
{
        struct y4m_source *source = (struct y4m_source *)camera;
        uint64_t due = source->ended ? 0 : frame_timer_take(camera->fd), taken = 0;

        if (!due && !source->ended)
                return -EAGAIN;
        if (due > CATCH_UP_MAX)
                due = CATCH_UP_MAX;
        while (taken < due && !source->ended) {
                source->ended = advance(source) < 0;
                taken += !source->ended;
        }
        /* The timer stays armed, so that a poll() for the end returns. */
        if (!taken)
                return -ENODEV;
        camera->counters.captured += taken;
        camera->counters.stale += taken - 1;
        source->due += taken;
        if (read_at(source->file, source->body, source->data, camera->format.size) != camera->format.size) {
                camera->counters.corrupt++;
                return -EAGAIN;
        }
        *ret = (struct frame){source->data, frame_timer_last(camera->fd), (uint32_t)(source->due - 1), 0};
        return 0;
}

static int release(struct camera *camera, const struct frame *frame)
{
        (void)camera;
        (void)frame;
        return 0;
}

static const struct camera_ops ops = {close_source, start, stop, next, release};

static int read_header(struct y4m_source *source, const char *path, char *why, size_t why_size)
{
        uint8_t head[Y4M_HEADER_MAX];
        struct y4m_header header;
        const char *reason;
        struct stat st;
        int r;

        if (fstat(source->file, &st) < 0)
                return say_file(path, errno, why, why_size);
        if (!S_ISREG(st.st_mode))
                return why_say(why, why_size, -EBADMSG, "%s is not a file; name a YUV4MPEG2 file", path);
        r = y4m_parse(head, read_at(source->file, 0, head, sizeof head), &header, &reason);
        if (r < 0)
                return why_say(why, why_size, r, "%s: %s; create it with ffmpeg -pix_fmt yuv420p", path, reason);
        source->base.format = header.format;
        source->base.rate = header.rate;
        source->first = source->at = (off_t)header.length;
        return 0;
}

static int prepare(struct y4m_source *source, const char *path, char *why, size_t why_size)
{
        int r;

        source->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (source->file < 0)
                return say_file(path, errno, why, why_size);
        r = read_header(source, path, why, why_size);
        if (r < 0)
                return r;
        source->data = malloc(source->base.format.size);
        if (!source->data)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; make the picture smaller", path);
        if (step(source) < 0)
                return why_say(why, why_size, -EBADMSG, "%s: it has no complete frame; create it again", path);
        source->at = source->first;
        source->base.fd = frame_timer_open();
        if (source->base.fd < 0)
                return why_say(why, why_size, source->base.fd, "%s: no timer; close other programs", path);
        return 0;
}

int y4m_open(const char *path, bool once, struct camera **ret, char *why, size_t why_size)
{
        struct y4m_source *source = calloc(1, sizeof *source);
        int r;

        if (!source)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; close other programs", path);
        source->base.ops = &ops;
        source->base.fd = source->file = -1;
        source->once = once;
        snprintf(source->base.name, sizeof source->base.name, "%s", path);
        r = prepare(source, path, why, why_size);
        if (r < 0) {
                close_source(&source->base);
                return r;
        }
        *ret = &source->base;
        return 0;
}
