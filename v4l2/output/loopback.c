#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "v4l2/colour.h"
#include "v4l2/layout.h"
#include "v4l2/output/readers.h"
#include "v4l2/sink-kind.h"
#include "v4l2/video-io.h"
#include "v4l2/why.h"

#define TYPE V4L2_BUF_TYPE_VIDEO_OUTPUT

/* v4l2loopback's maximum (MAX_BUFFERS).  Requesting fewer than the module was loaded with takes buffers away from
 * readers that are already connected (0.12.7, vidioc_reqbufs). */
#define BUFFERS_MAX 32

static const struct video_io *const io = &video_io_kernel;

struct loopback {
        struct sink base;
        int fd;
        struct readers *readers; /* NULL: they cannot be counted at the moment, and `uncounted` says why */
        int uncounted;
        struct {
                uint8_t *data;
                size_t length;
                uint32_t offset; /* by which the driver identifies the memory */
        } buffers[BUFFERS_MAX];
        uint32_t count; /* 0: fed by write() */
        uint32_t last;  /* the buffer that was shown last */
        bool streaming;
        uint64_t time_ns;
};

static int say_errno(const char *path, int error, char *why, size_t why_size)
{
        const char *text = error == EACCES   ? "permission denied; add the user to the group \"video\""
                           : error == ENOENT ? "no such node; load v4l2loopback (modprobe v4l2loopback)"
                           : error == EBUSY  ? "another program feeds or holds it; close that program"
                           : error == EPERM
                                   ? "not permitted; allow the service this device (DeviceAllow=char-video4linux rw)"
                                   : NULL;

        if (!text)
                return why_say(why, why_size, -error, "%s: %s; reload v4l2loopback, or choose another node", path,
                               strerror(error));
        return why_say(why, why_size, -error, "%s: %s", path, text);
}

/* Whether the node, which does not announce itself as an output, has a producer.  With exclusive_caps=1 it announces
 * only one capability at a time.  An output that can be enumerated is free (although 0.15 with keep_format=1 announces
 * CAPTURE). */
static bool has_producer(int fd)
{
        struct v4l2_output output = {.index = 0};

        return io->ioctl(fd, VIDIOC_ENUMOUTPUT, &output) < 0;
}

static int check_node(int fd, const char *path, char *why, size_t why_size)
{
        struct v4l2_capability cap = {0};
        struct stat st;
        uint32_t caps;

        if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || io->ioctl(fd, VIDIOC_QUERYCAP, &cap) < 0)
                return why_say(why, why_size, -ENODEV, "%s is not a video device; load v4l2loopback and use its node",
                               path);
        caps = cap.capabilities & V4L2_CAP_DEVICE_CAPS ? cap.device_caps : cap.capabilities;
        if (strncmp((char *)cap.driver, "v4l2 loopback", sizeof cap.driver) != 0)
                return why_say(why, why_size, -ENODEV,
                               "%s is \"%.32s\", not a v4l2loopback node; use the virtual camera's node", path,
                               cap.card);
        if (caps & V4L2_CAP_VIDEO_OUTPUT || !has_producer(fd))
                return 0;
        if (caps & V4L2_CAP_VIDEO_CAPTURE)
                return say_errno(path, EBUSY, why, why_size);
        /* With 0.12.7, a node is left like this by a producer that used write() while another program queried it.
         * Only reloading the module helps. */
        return why_say(why, why_size, -ENODEV,
                       "%s is no longer a camera or an output; reload v4l2loopback (rmmod v4l2loopback)", path);
}

/* A node that readers hold open, or that has keep_format=1, keeps its old format and returns it. */
static int set_format(struct loopback *loopback, const struct frame_format *wish)
{
        struct v4l2_format want = {.type = TYPE};
        struct v4l2_pix_format *pix = &want.fmt.pix;
        struct frame_format format = {0};
        int r;

        pix->width = (wish->width ? wish->width : 640) & ~1u;
        pix->height = (wish->height ? wish->height : 480) & ~1u;
        pix->pixelformat = frame_layout(wish->fourcc) ? wish->fourcc : V4L2_PIX_FMT_YUV420;
        pix->field = V4L2_FIELD_NONE;
        colour_write(wish, pix);
        if (io->ioctl(loopback->fd, VIDIOC_S_FMT, &want) < 0)
                return -errno;
        format.fourcc = pix->pixelformat;
        format.width = pix->width;
        format.height = pix->height;
        format.stride = pix->bytesperline;
        colour_read(pix, &format);
        r = frame_layout_fit(&format);
        if (r < 0)
                return r;
        loopback->base.format = format;
        return 0;
}

static int map_buffer(struct loopback *loopback, uint32_t index)
{
        struct v4l2_buffer query = {.type = TYPE, .memory = V4L2_MEMORY_MMAP, .index = index};
        void *data;

        if (io->ioctl(loopback->fd, VIDIOC_QUERYBUF, &query) < 0)
                return -errno;
        if (query.length < loopback->base.format.size)
                return -EINVAL;
        data = io->map(loopback->fd, query.length, query.m.offset);
        if (data == MAP_FAILED)
                return -errno;
        loopback->buffers[index].data = data;
        loopback->buffers[index].length = query.length;
        loopback->buffers[index].offset = query.m.offset;
        loopback->count = index + 1;
        return 0;
}

static void unmap_buffers(struct loopback *loopback)
{
        for (uint32_t i = 0; i < loopback->count; i++)
                io->unmap(loopback->buffers[i].data, loopback->buffers[i].length);
        loopback->count = 0;
}

static int stream_on(struct loopback *loopback)
{
        enum v4l2_buf_type type = TYPE;

        if (io->ioctl(loopback->fd, VIDIOC_STREAMON, &type) < 0)
                return -errno;
        loopback->streaming = true;
        return 0;
}

static int stream_mapped(struct loopback *loopback)
{
        struct v4l2_requestbuffers request = {.count = BUFFERS_MAX, .type = TYPE, .memory = V4L2_MEMORY_MMAP};
        int r = 0;

        if (io->ioctl(loopback->fd, VIDIOC_REQBUFS, &request) < 0)
                return -errno;
        if (!request.count)
                return -ENOMEM;
        /* The driver may grant its own number of buffers, regardless of the request. */
        for (uint32_t i = 0; !r && i < request.count && i < BUFFERS_MAX; i++)
                r = map_buffer(loopback, i);
        if (!r)
                r = stream_on(loopback);
        if (r < 0)
                unmap_buffers(loopback);
        return r;
}

/* For a driver without buffers, where STREAMON may be refused (0.14 and later) and is not needed. */
static int stream_written(struct loopback *loopback)
{
        struct v4l2_requestbuffers none = {.type = TYPE, .memory = V4L2_MEMORY_MMAP};

        io->ioctl(loopback->fd, VIDIOC_REQBUFS, &none);
        stream_on(loopback);
        return 0;
}

static void close_loopback(struct sink *sink)
{
        struct loopback *loopback = (struct loopback *)sink;
        enum v4l2_buf_type type = TYPE;

        if (loopback->streaming)
                io->ioctl(loopback->fd, VIDIOC_STREAMOFF, &type);
        unmap_buffers(loopback);
        readers_close(loopback->readers);
        if (loopback->fd >= 0)
                io->close(loopback->fd);
        free(loopback);
}

/* The buffer to which `index` refers now.  If a reader requests fewer buffers than there are, 0.12.7 uses only the
 * first few, for us too, and maps every other index to one of those; only the offset tells which. */
static uint32_t resolve(const struct loopback *loopback, uint32_t index)
{
        struct v4l2_buffer query = {.type = TYPE, .memory = V4L2_MEMORY_MMAP, .index = index};

        if (io->ioctl(loopback->fd, VIDIOC_QUERYBUF, &query) < 0)
                return index;
        for (uint32_t i = 0; i < loopback->count; i++)
                if (loopback->buffers[i].offset == query.m.offset)
                        return i;
        return index;
}

/* A buffer to fill.  Up to 0.13, DQBUF returns the buffer that was shown last, which readers are still using, so we
 * take the next one instead (that driver does not require QBUF to match DQBUF). */
static int take_buffer(struct loopback *loopback, uint32_t *ret)
{
        struct v4l2_buffer buffer = {.type = TYPE, .memory = V4L2_MEMORY_MMAP};

        if (io->ioctl(loopback->fd, VIDIOC_DQBUF, &buffer) < 0)
                return -errno;
        if (buffer.index >= loopback->count)
                return -EIO;
        if (buffer.index == loopback->last && loopback->count > 1)
                *ret = resolve(loopback, (buffer.index + 1) % loopback->count);
        else
                *ret = buffer.index;
        return 0;
}

static int show_mapped(struct loopback *loopback, const uint8_t *frame)
{
        struct v4l2_buffer buffer = {.type = TYPE, .memory = V4L2_MEMORY_MMAP};
        uint32_t size = loopback->base.format.size;
        int r;

        r = take_buffer(loopback, &buffer.index);
        if (r < 0)
                return r;
        memcpy(loopback->buffers[buffer.index].data, frame, size);
        buffer.bytesused = size;
        buffer.field = V4L2_FIELD_NONE;
        buffer.timestamp.tv_sec = (time_t)(loopback->time_ns / 1000000000);
        buffer.timestamp.tv_usec = (suseconds_t)(loopback->time_ns % 1000000000 / 1000);
        loopback->last = buffer.index;
        return io->ioctl(loopback->fd, VIDIOC_QBUF, &buffer) < 0 ? -errno : 0;
}

static int show_written(struct loopback *loopback, const uint8_t *frame)
{
        uint32_t size = loopback->base.format.size;
        ssize_t n;

        do
                n = write(loopback->fd, frame, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t)n == size ? 0 : -EIO;
}

static int show(struct sink *sink, const uint8_t *frame, uint64_t time_ns)
{
        struct loopback *loopback = (struct loopback *)sink;
        int r;

        if (time_ns > loopback->time_ns)
                loopback->time_ns = time_ns;
        r = loopback->count ? show_mapped(loopback, frame) : show_written(loopback, frame);
        return r == -ENXIO || r == -ENOTTY ? -ENODEV : r;
}

/* This may fail for a while: descriptors and inotify instances are limited in number. */
static void count_readers(struct loopback *loopback)
{
        if (!loopback->readers)
                loopback->uncounted = readers_open(loopback->fd, &loopback->readers);
}

static int get_fd(const struct sink *sink)
{
        const struct loopback *loopback = (const struct loopback *)sink;

        return loopback->readers ? readers_fd(loopback->readers) : -1;
}

static int dispatch(struct sink *sink)
{
        struct loopback *loopback = (struct loopback *)sink;

        count_readers(loopback);
        if (loopback->readers)
                readers_dispatch(loopback->readers);
        return 0;
}

static int get_readers(const struct sink *sink)
{
        const struct loopback *loopback = (const struct loopback *)sink;

        return loopback->readers ? (int)readers_count(loopback->readers) : loopback->uncounted;
}

static const struct sink_ops ops = {close_loopback, show, get_fd, dispatch, get_readers, NULL};

static int prepare(struct loopback *loopback, const char *path, const struct frame_format *format,
                   struct frame_rate rate, char *why, size_t why_size)
{
        struct v4l2_streamparm parm = {.type = TYPE};
        int r;

        loopback->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (loopback->fd < 0)
                return say_errno(path, errno, why, why_size);
        r = check_node(loopback->fd, path, why, why_size);
        if (r < 0)
                return r;
        r = set_format(loopback, format);
        if (r == -EINVAL)
                return why_say(why, why_size, r,
                               "%s takes none of our formats (%ux%u); close the programs that hold it open", path,
                               format->width, format->height);
        if (r < 0)
                return say_errno(path, -r, why, why_size);

        count_readers(loopback); /* before streaming: the state of a node that nobody feeds tells who holds it */

        parm.parm.output.timeperframe = (struct v4l2_fract){rate.denominator, rate.numerator};
        io->ioctl(loopback->fd, VIDIOC_S_PARM, &parm); /* only informs readers: nothing depends on it */

        r = stream_mapped(loopback);
        if (r == -EINVAL || r == -ENOTTY || r == -ENOMEM)
                r = stream_written(loopback);
        return r < 0 ? say_errno(path, -r, why, why_size) : 0;
}

int loopback_open(const char *path, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                  char *why, size_t why_size)
{
        struct loopback *loopback = calloc(1, sizeof *loopback);
        int r;

        if (!loopback)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; close other programs", path);
        loopback->base.ops = &ops;
        loopback->fd = -1;
        loopback->last = UINT32_MAX;
        r = prepare(loopback, path, format, rate, why, why_size);
        if (r < 0) {
                close_loopback(&loopback->base);
                return r;
        }
        *ret = &loopback->base;
        return 0;
}

int sink_ask(const char *node, struct frame_format *ret)
{
        struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
        struct v4l2_pix_format *pix = &format.fmt.pix;
        int fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        pix->priv = V4L2_PIX_FMT_PRIV_MAGIC;
        if (video_io_kernel.ioctl(fd, VIDIOC_G_FMT, &format) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        close(fd);
        *ret = (struct frame_format){.fourcc = pix->pixelformat, .width = pix->width, .height = pix->height};
        colour_read(pix, ret);
        return 0;
}
