#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "v4l2/capture/capture.h"
#include "v4l2/capture/negotiate.h"
#include "v4l2/capture/threaded.h"
#include "v4l2/colour.h"
#include "v4l2/frame-timer.h"
#include "v4l2/jpeg.h"
#include "v4l2/layout.h"
#include "v4l2/names.h"
#include "v4l2/why.h"

#define TYPE V4L2_BUF_TYPE_VIDEO_CAPTURE
#define BUFFERS_WANTED 4

/* While a frame is out, the driver fills one of the others, and must have the next one by then. */
#define BUFFERS_TO_KEEP_ONE 3

static const struct {
        int error;
        const char *text;
} open_errors[] = {
        {ENOENT, "no such camera; plug it in, or see \"visagectl cameras\" for the available ones"},
        {ENOTDIR, "no such camera; see \"visagectl cameras\" for the available ones"},
        {ENXIO, "this node has no driver; plug the camera in again"},
        {ENODEV, "this node has no driver; plug the camera in again"},
        {EACCES, "permission denied; add the user to the group \"video\""},
        {EPERM, "not permitted; allow the service this device (DeviceAllow=char-video4linux rw)"},
        {EBUSY, "another program uses the camera; close that program"},
};

static int say_errno(const char *path, int error, char *why, size_t why_size)
{
        for (size_t i = 0; i < sizeof open_errors / sizeof open_errors[0]; i++)
                if (open_errors[i].error == error)
                        return why_say(why, why_size, -error, "%s: %s", path, open_errors[i].text);
        return why_say(why, why_size, -error, "%s: %s; plug the camera in again or choose another", path,
                       strerror(error));
}

static int open_node(const char *path, struct capture *capture, char *why, size_t why_size)
{
        struct v4l2_capability cap = {0};
        struct stat st;
        uint32_t caps;
        int fd;

        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return errno == EISDIR ? why_say(why, why_size, -ENODEV, "%s is a folder; give a camera's node", path)
                                       : say_errno(path, errno, why, why_size);
        if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || video_io_kernel.ioctl(fd, VIDIOC_QUERYCAP, &cap) < 0) {
                close(fd);
                return why_say(why, why_size, -ENODEV,
                               "%s is not a video device; see v4l2-ctl --list-devices (for a picture: image:FILE)",
                               path);
        }
        caps = cap.capabilities & V4L2_CAP_DEVICE_CAPS ? cap.device_caps : cap.capabilities;
        if (!(caps & V4L2_CAP_VIDEO_CAPTURE) || !(caps & V4L2_CAP_STREAMING)) {
                close(fd);
                return why_say(why, why_size, -ENODEV,
                               "%s (%.32s) is not a camera, or is a virtual one that nobody feeds; choose another node",
                               path, cap.card);
        }
        snprintf(capture->base.name, sizeof capture->base.name, "%.*s", (int)sizeof cap.card, (char *)cap.card);
        name_by_id(st.st_rdev, capture->base.id, sizeof capture->base.id);
        capture->shared = strncmp((char *)cap.driver, "v4l2 loopback", sizeof cap.driver) == 0;
        capture->base.fd = fd;
        return 0;
}

/* Progressive or interleaved lines; the other orders deliver half pictures. */
static bool is_whole(uint32_t field)
{
        return field == V4L2_FIELD_ANY || field == V4L2_FIELD_NONE || field == V4L2_FIELD_INTERLACED ||
               field == V4L2_FIELD_INTERLACED_TB || field == V4L2_FIELD_INTERLACED_BT;
}

/* Takes what the driver made of the wish; -EINVAL: we cannot process that. */
static int accept_format(struct capture *capture, const struct offer *offer, const struct v4l2_pix_format *pix)
{
        struct frame_format format = {.fourcc = pix->pixelformat, .width = pix->width, .height = pix->height};
        int r;

        if (pix->pixelformat != offer->fourcc)
                return -EINVAL;
        if (!is_whole(pix->field))
                return -EINVAL;

        if (offer->way == OFFER_MJPEG) {
                format.fourcc = V4L2_PIX_FMT_YUV422P;
                format.matrix = FRAME_BT601; /* JFIF has no other, whatever the driver's fields say */
                format.full_range = true;
        } else {
                format.stride = pix->bytesperline;
                colour_read(pix, &format);
        }
        r = frame_layout_fit(&format);
        if (r < 0)
                return r;
        capture->base.format = format;
        return 0;
}

static int set_format(struct capture *capture, const struct offer *offer)
{
        struct v4l2_format want = {.type = TYPE};

        want.fmt.pix.width = offer->width;
        want.fmt.pix.height = offer->height;
        want.fmt.pix.pixelformat = offer->fourcc;
        want.fmt.pix.field = V4L2_FIELD_NONE;
        if (capture->io->ioctl(capture->base.fd, VIDIOC_S_FMT, &want) < 0)
                return -errno;
        return accept_format(capture, offer, &want.fmt.pix);
}

/* Sets the rate only if it differs: on v4l2loopback it is the producer's, and shared. */
static void set_rate(struct capture *capture, const struct offer *offer, struct frame_rate wish)
{
        struct v4l2_streamparm parm = {.type = TYPE};
        struct v4l2_fract *interval = &parm.parm.capture.timeperframe;
        struct frame_rate rate = offer->rate.denominator ? offer->rate : wish;
        struct frame_rate now;

        capture->base.rate = frame_rate_sane(rate) ? rate : (struct frame_rate){30, 1};
        if (capture->io->ioctl(capture->base.fd, VIDIOC_G_PARM, &parm) < 0)
                return;
        now = (struct frame_rate){interval->denominator, interval->numerator};
        if (frame_rate_sane(wish) && parm.parm.capture.capability & V4L2_CAP_TIMEPERFRAME &&
            (uint64_t)now.numerator * rate.denominator != (uint64_t)rate.numerator * now.denominator) {
                *interval = (struct v4l2_fract){rate.denominator, rate.numerator};
                if (capture->io->ioctl(capture->base.fd, VIDIOC_S_PARM, &parm) < 0)
                        return;
                now = (struct frame_rate){interval->denominator, interval->numerator};
        }
        if (frame_rate_sane(now))
                capture->base.rate = now;
}

static int map_buffer(struct capture *capture, uint32_t least)
{
        struct frame_memory *memory = capture->memory;
        struct v4l2_buffer query = {.type = TYPE, .memory = V4L2_MEMORY_MMAP, .index = memory->count};
        void *data;

        if (capture->io->ioctl(capture->base.fd, VIDIOC_QUERYBUF, &query) < 0)
                return -errno;
        if (query.length < least)
                return -EINVAL;
        data = capture->io->map(capture->base.fd, query.length, query.m.offset);
        if (data == MAP_FAILED)
                return -errno;
        memory->buffers[memory->count++] = (struct frame_buffer){data, query.length, -1};
        return 0;
}

/* The driver's buffers live on for those who keep the memory. */
static void unmap_buffers(struct capture *capture)
{
        struct v4l2_requestbuffers none = {.type = TYPE, .memory = V4L2_MEMORY_MMAP};

        frame_memory_unref(capture->memory);
        capture->memory = NULL;
        if (capture->granted)
                capture->io->ioctl(capture->base.fd, VIDIOC_REQBUFS, &none);
        capture->granted = false;
}

/* On failure, unmap those that are there. */
static int map_buffers(struct capture *capture, uint32_t least)
{
        struct v4l2_requestbuffers request = {.count = BUFFERS_WANTED, .type = TYPE, .memory = V4L2_MEMORY_MMAP};
        int r = 0;

        capture->memory = frame_memory_new(capture->io->unmap);
        if (!capture->memory)
                return -ENOMEM;
        if (capture->io->ioctl(capture->base.fd, VIDIOC_REQBUFS, &request) < 0)
                return -errno;
        if (!request.count)
                return -ENOMEM;
        capture->granted = true; /* until they are released, the driver accepts no other format */
        for (uint32_t i = 0; i < request.count && i < FRAME_BUFFERS_MAX && r == 0; i++)
                r = map_buffer(capture, least);
        return r;
}

/* Offers the memory to those who can read frames where they are, as dma-bufs where the driver makes any.  They are
 * writable only because some importers map them so. */
static void offer_memory(struct capture *capture)
{
        struct frame_memory *memory = capture->memory;
        bool exports = true;

        if (capture->shared || memory->count < BUFFERS_TO_KEEP_ONE)
                return;
        for (uint32_t i = 0; i < memory->count && exports; i++) {
                struct v4l2_exportbuffer wish = {.type = TYPE, .index = i, .flags = O_RDWR | O_CLOEXEC};

                exports = capture->io->ioctl(capture->base.fd, VIDIOC_EXPBUF, &wish) == 0;
                if (exports)
                        memory->buffers[i].dmabuf = wish.fd;
        }
        capture->base.memory = memory;
}

static int prepare_jpeg(struct capture *capture)
{
        size_t length = 0;

        for (uint32_t i = 0; i < capture->memory->count; i++)
                if (capture->memory->buffers[i].size > length)
                        length = capture->memory->buffers[i].size;
        capture->compressed = malloc(length);
        if (!capture->compressed)
                return -ENOMEM;
        return jpeg_new(capture->base.format.width, capture->base.format.height, &capture->jpeg);
}

/* Undoes try_offer() and keeps the node open. */
static void drop_offer(struct capture *capture, int fd)
{
        unmap_buffers(capture);
        jpeg_free(capture->jpeg);
        free(capture->compressed);
        capture->jpeg = NULL;
        capture->compressed = NULL;
        if (capture->base.fd != fd)
                capture->io->close(capture->base.fd);
        capture->base.fd = fd;
        capture->io = &video_io_kernel;
}

static int try_offer(struct capture *capture, const struct offer *offer, struct frame_rate rate)
{
        int r;

        if (offer->way == OFFER_CONVERTED) {
                /* A duplicate descriptor, which can be closed separately if libv4l2 fails. */
                int twin = fcntl(capture->base.fd, F_DUPFD_CLOEXEC, 0);

                if (twin < 0)
                        return -errno;
                r = video_io_adopt(twin);
                if (r < 0) {
                        close(twin);
                        return -EINVAL;
                }
                capture->base.fd = twin;
                capture->io = &video_io_libv4l2;
        }
        r = set_format(capture, offer);
        if (r < 0)
                return r;
        set_rate(capture, offer, rate);
        r = map_buffers(capture, offer->way == OFFER_MJPEG ? 1 : capture->base.format.size);
        if (r < 0)
                return r;
        if (offer->way == OFFER_MJPEG)
                return prepare_jpeg(capture);
        if (offer->way == OFFER_NATIVE)
                offer_memory(capture);
        return 0;
}

static int try_offers(struct capture *capture, const char *path, const struct camera_wish *wish, char *why,
                      size_t why_size)
{
        struct offer offers[NEGOTIATE_OFFERS_MAX];
        int fd = capture->base.fd, first = -EINVAL, n;

        n = negotiate(fd, wish, offers);
        if (n < 0)
                return say_errno(path, -n, why, why_size);
        for (int i = 0; i < n; i++) {
                int r = try_offer(capture, &offers[i], wish->rate);

                if (!r) {
                        if (capture->base.fd != fd)
                                close(fd);
                        return 0;
                }
                drop_offer(capture, fd);
                /* Other formats would give the same error. */
                if (r == -EBUSY || r == -ENODEV || r == -ENOMEM)
                        return say_errno(path, -r, why, why_size);
                first = i ? first : r;
        }
        return why_say(why, why_size, first, "%s: none of its formats can be used (%s); choose another size or camera",
                       path, n ? strerror(-first) : "it offers none");
}

/* For HDMI grabbers and the like; a webcam has only one input. */
static void subscribe(struct capture *capture)
{
        struct v4l2_event_subscription wish = {.type = V4L2_EVENT_SOURCE_CHANGE};
        int input = 0;

        /* Each input has its own events. */
        if (capture->io->ioctl(capture->base.fd, VIDIOC_G_INPUT, &input) == 0)
                wish.id = (uint32_t)input;
        capture->tells_changes = capture->io->ioctl(capture->base.fd, VIDIOC_SUBSCRIBE_EVENT, &wish) == 0;
}

static void close_capture(struct camera *camera)
{
        struct capture *capture = (struct capture *)camera;

        unmap_buffers(capture);
        jpeg_free(capture->jpeg);
        free(capture->compressed);
        capture->io->close(capture->base.fd);
        free(capture);
}

static const struct camera_ops ops = {close_capture, capture_start, capture_stop, capture_next, capture_release};

int capture_open(const char *path, const struct camera_wish *wish, struct camera **ret, char *why, size_t why_size)
{
        struct capture *capture;
        int r;

        capture = calloc(1, sizeof *capture);
        if (!capture)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; close other programs", path);
        capture->base.ops = &ops;
        capture->io = &video_io_kernel;
        r = open_node(path, capture, why, why_size);
        if (r < 0) {
                free(capture);
                return r;
        }
        r = try_offers(capture, path, wish, why, why_size);
        if (r < 0) {
                close(capture->base.fd);
                free(capture);
                return r;
        }
        subscribe(capture);
        *ret = &capture->base;
        if (!capture->jpeg && capture->io == &video_io_kernel)
                return 0;
        r = threaded_open(&capture->base, ret);
        return r < 0 ? say_errno(path, -r, why, why_size) : 0;
}
