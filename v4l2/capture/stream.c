#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <string.h>

#include "v4l2/capture/capture.h"
#include "v4l2/frame-timer.h"
#include "v4l2/jpeg.h"

#define TYPE V4L2_BUF_TYPE_VIDEO_CAPTURE

/* A driver's time that is further from now than this is not CLOCK_MONOTONIC (uvcvideo with clock=realtime claims that
 * it is). */
#define TIME_TRUSTED_NS 2000000000ull

/* Larger jumps mean that the driver has restarted its count. */
#define GAP_MAX 10000

/* frame.index of a decoded picture, whose buffer the driver already has back. */
#define INDEX_DECODED UINT32_MAX

struct held {
        uint32_t index, sequence, bytes;
        uint64_t time_ns;
};

/* Maps every error of a queue to one of the contract's three. */
static int stream_error(int error)
{
        return error == ENODEV || error == ENXIO || error == ENOTTY ? -ENODEV : -EIO;
}

static int queue(struct capture *capture, uint32_t index)
{
        struct v4l2_buffer buffer = {.type = TYPE, .memory = V4L2_MEMORY_MMAP, .index = index};

        return capture->io->ioctl(capture->base.fd, VIDIOC_QBUF, &buffer) < 0 ? stream_error(errno) : 0;
}

void capture_stop(struct camera *camera)
{
        struct capture *capture = (struct capture *)camera;
        enum v4l2_buf_type type = TYPE;

        capture->io->ioctl(camera->fd, VIDIOC_STREAMOFF, &type);
}

int capture_start(struct camera *camera)
{
        struct capture *capture = (struct capture *)camera;
        enum v4l2_buf_type type = TYPE;
        int r;

        if (capture->changed)
                return -EIO;
        capture->seen = 0;
        for (uint32_t i = 0; i < capture->memory->count; i++) {
                r = queue(capture, i);
                if (r < 0)
                        goto fail;
        }
        if (capture->io->ioctl(camera->fd, VIDIOC_STREAMON, &type) < 0) {
                /* EBUSY and ENOSPC (no USB bandwidth left) are worth distinguishing. */
                r = errno == ENXIO ? -ENODEV : -errno;
                goto fail;
        }
        return 0;

fail:
        capture_stop(camera); /* takes the queued buffers back */
        return r;
}

/* Counts the frames that the driver skipped, and numbers the frames ourselves: v4l2loopback may number all of them 0,
 * and always numbers the first one 0, whatever follows (REQBUFS resets its buffers). */
static uint32_t count_frame(struct capture *capture, uint32_t driver_sequence)
{
        uint32_t step = driver_sequence - capture->driver_sequence;

        if (capture->seen < 2 || !step || step > GAP_MAX)
                step = 1;
        if (capture->base.counters.captured)
                capture->sequence += step;
        capture->base.counters.lost += step - 1;
        capture->driver_sequence = driver_sequence;
        capture->seen += capture->seen < 2;
        capture->base.counters.captured++;
        return capture->sequence;
}

static uint64_t frame_time(struct capture *capture, const struct v4l2_buffer *buffer)
{
        uint64_t now = monotonic_now();
        uint64_t time_ns = (uint64_t)buffer->timestamp.tv_sec * 1000000000 + (uint64_t)buffer->timestamp.tv_usec * 1000;

        if (buffer->timestamp.tv_sec < 0 || time_ns > now || now - time_ns > TIME_TRUSTED_NS)
                time_ns = now;
        if (time_ns < capture->time_ns)
                time_ns = capture->time_ns;
        capture->time_ns = time_ns;
        return time_ns;
}

static bool usable(const struct capture *capture, const struct v4l2_buffer *buffer)
{
        if (buffer->flags & V4L2_BUF_FLAG_ERROR || buffer->bytesused > capture->memory->buffers[buffer->index].size)
                return false;
        return buffer->bytesused >= (capture->jpeg ? 1 : capture->base.format.size);
}

/* Takes every frame that the driver has ready.  Usable ones go into `held`, oldest first; the others are given back. */
static int drain(struct capture *capture, struct held held[FRAME_BUFFERS_MAX], uint32_t *ret_n)
{
        uint32_t n = 0;
        int r;

        /* Bounded: a driver that delivers faster than we drain must not keep us here. */
        for (uint32_t turn = 0; turn < 2 * capture->memory->count && n < capture->memory->count; turn++) {
                struct v4l2_buffer buffer = {.type = TYPE, .memory = V4L2_MEMORY_MMAP};
                uint32_t sequence;

                if (capture->io->ioctl(capture->base.fd, VIDIOC_DQBUF, &buffer) < 0) {
                        if (errno == EAGAIN)
                                break;
                        return stream_error(errno);
                }
                if (buffer.index >= capture->memory->count)
                        return -EIO;
                sequence = count_frame(capture, buffer.sequence);
                if (!usable(capture, &buffer)) {
                        capture->base.counters.corrupt++;
                        r = queue(capture, buffer.index);
                        if (r < 0)
                                return r;
                        continue;
                }
                held[n++] = (struct held){buffer.index, sequence, buffer.bytesused, frame_time(capture, &buffer)};
        }
        *ret_n = n;
        return 0;
}

/* Decodes from a copy: the driver may still write to its buffer (a v4l2loopback producer does), which must not change
 * during decoding. */
static int decode(struct capture *capture, const struct held *held)
{
        memcpy(capture->compressed, capture->memory->buffers[held->index].data, held->bytes);
        return jpeg_decode(capture->jpeg, capture->compressed, held->bytes, capture->base.into);
}

/* Decodes the newest one that is decodable, and gives all of them back. */
static int decode_newest(struct capture *capture, const struct held *held, uint32_t n, struct frame *ret)
{
        bool found = false;
        int r = 0;

        for (uint32_t i = n; i-- > 0;) {
                int queued;

                if (found) {
                        capture->base.counters.stale++;
                } else if (decode(capture, &held[i]) < 0) {
                        capture->base.counters.corrupt++;
                } else {
                        *ret = (struct frame){capture->base.into, held[i].time_ns, held[i].sequence, INDEX_DECODED};
                        found = true;
                }
                queued = queue(capture, held[i].index);
                r = r ? r : queued;
        }
        if (r < 0)
                return r;
        return found ? 0 : -EAGAIN;
}

/* Permanent: the settings that were read when the node was opened are out of date. */
static bool source_changed(struct capture *capture)
{
        struct v4l2_event event = {0};

        if (capture->tells_changes && capture->io->ioctl(capture->base.fd, VIDIOC_DQEVENT, &event) == 0)
                capture->changed = true;
        return capture->changed;
}

/* There is no frame.  A descriptor that is "ready" because of an error stays ready, so that must not be reported as
 * "none yet". */
static int no_frame(const struct capture *capture)
{
        struct pollfd fd = {.fd = capture->base.fd, .events = POLLIN};

        if (poll(&fd, 1, 0) <= 0 || !(fd.revents & (POLLERR | POLLHUP | POLLNVAL)))
                return -EAGAIN;
        return fd.revents & POLLHUP ? -ENODEV : -EIO;
}

int capture_next(struct camera *camera, struct frame *ret)
{
        struct capture *capture = (struct capture *)camera;
        struct held held[FRAME_BUFFERS_MAX];
        struct frame frame = {0};
        uint32_t n;
        int r;

        if (source_changed(capture))
                return -EIO;
        r = drain(capture, held, &n);
        if (r < 0)
                return r;
        if (!n)
                return no_frame(capture);
        if (capture->jpeg) {
                r = decode_newest(capture, held, n, &frame);
                if (r < 0)
                        return r;
                *ret = frame;
                return 0;
        }
        for (uint32_t i = 0; i + 1 < n; i++) {
                capture->base.counters.stale++;
                r = queue(capture, held[i].index);
                if (r < 0)
                        return r;
        }
        n--;
        *ret = (struct frame){capture->memory->buffers[held[n].index].data, held[n].time_ns, held[n].sequence,
                              held[n].index};
        return 0;
}

int capture_release(struct camera *camera, const struct frame *frame)
{
        struct capture *capture = (struct capture *)camera;

        if (frame->index == INDEX_DECODED)
                return 0;
        return frame->index < capture->memory->count ? queue(capture, frame->index) : -EINVAL;
}
