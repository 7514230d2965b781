#include "fake-node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>

#define OFFSET 0x10000000
#define STEP 0x01000000

struct fake_node fake;

int __real_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t length);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t length, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t length);

static void free_memory(void)
{
        for (int i = 0; i < FAKE_BUFFERS_MAX; i++) {
                free(fake.memory[i]);
                fake.memory[i] = NULL;
        }
}

void fake_reset(void)
{
        free_memory();
        fake = (struct fake_node){.driver = "fake",
                                  .card = "Fake camera",
                                  .caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
                                  .interval = {1, 30}};
}

unsigned fake_queued(void)
{
        unsigned n = 0;

        for (uint32_t i = 0; i < fake.count; i++)
                n += fake.queued[i];
        return n;
}

uint8_t *fake_capture(uint32_t bytes, uint32_t flags, uint32_t sequence)
{
        for (uint32_t i = 0; i < fake.count; i++) {
                if (!fake.queued[i])
                        continue;
                fake.queued[i] = false;
                fake.ready[fake.ready_n] = i;
                fake.ready_bytes[fake.ready_n] = bytes;
                fake.ready_flags[fake.ready_n] = flags;
                fake.ready_sequence[fake.ready_n++] = sequence;
                return fake.memory[i];
        }
        return NULL;
}

static int no(int error)
{
        errno = error;
        return -1;
}

static int querycap(struct v4l2_capability *cap)
{
        memset(cap, 0, sizeof(*cap));
        strcpy((char *)cap->driver, fake.driver);
        strcpy((char *)cap->card, fake.card);
        cap->device_caps = fake.caps;
        cap->capabilities = fake.caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
}

static const struct fake_format *find(uint32_t fourcc)
{
        for (size_t i = 0; i < fake.formats_n; i++)
                if (fake.formats[i].fourcc == fourcc)
                        return &fake.formats[i];
        return NULL;
}

static int enum_sizes(struct v4l2_frmsizeenum *size)
{
        const struct fake_format *format = find(size->pixel_format);

        if (!format || size->index >= 4 || !format->sizes[size->index].width)
                return no(EINVAL);
        size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        size->discrete.width = format->sizes[size->index].width;
        size->discrete.height = format->sizes[size->index].height;
        return 0;
}

static int enum_rates(struct v4l2_frmivalenum *ival)
{
        const struct fake_format *format = find(ival->pixel_format);

        for (int i = 0; format && i < 4; i++) {
                if (format->sizes[i].width != ival->width || format->sizes[i].height != ival->height)
                        continue;
                if (ival->index >= 4 || !format->sizes[i].rates[ival->index])
                        break;
                ival->type = V4L2_FRMIVAL_TYPE_DISCRETE;
                ival->discrete = (struct v4l2_fract){1, format->sizes[i].rates[ival->index]};
                return 0;
        }
        return no(EINVAL);
}

static int set_format(struct v4l2_pix_format *pix)
{
        uint32_t bytes;

        if (fake.formats_n && !find(pix->pixelformat))
                pix->pixelformat = fake.formats[0].fourcc;
        bytes = pix->pixelformat == V4L2_PIX_FMT_YUYV ? 2 : pix->pixelformat == V4L2_PIX_FMT_RGB24 ? 3 : 1;
        pix->bytesperline = pix->pixelformat == V4L2_PIX_FMT_MJPEG ? 0 : pix->width * bytes;
        pix->sizeimage = pix->width * pix->height * (bytes == 1 ? 2 : bytes);
        pix->field = V4L2_FIELD_NONE;
        if (fake.bend_format)
                fake.bend_format(pix);
        fake.pix = *pix;
        return 0;
}

static int request(struct v4l2_requestbuffers *request)
{
        uint32_t length = fake.length ? fake.length : fake.pix.sizeimage;

        if (fake.buffers_max && request->count > fake.buffers_max)
                request->count = fake.buffers_max;
        free_memory();
        memset(fake.queued, 0, sizeof(fake.queued));
        for (uint32_t i = 0; i < request->count && i < FAKE_BUFFERS_MAX; i++)
                fake.memory[i] = calloc(1, length);
        fake.count = fake.used = request->count;
        return 0;
}

static int query(struct v4l2_buffer *buffer)
{
        if (buffer->index >= fake.count)
                return no(EINVAL);
        buffer->length = fake.length ? fake.length : fake.pix.sizeimage;
        buffer->m.offset = OFFSET + STEP * (fake.loopback ? buffer->index % fake.used : buffer->index);
        return 0;
}

static int queue(struct v4l2_buffer *buffer)
{
        if (buffer->index >= fake.count || fake.queued[buffer->index])
                return no(EINVAL);
        if (buffer->type == V4L2_BUF_TYPE_VIDEO_OUTPUT) {
                fake.shown[fake.shown_n++ % 64] = buffer->index;
                fake.last = *buffer;
                return 0;
        }
        fake.queued[buffer->index] = true;
        return 0;
}

static int dequeue(struct v4l2_buffer *buffer)
{
        struct timespec now;

        if (!fake.streaming)
                return no(EINVAL);
        if (buffer->type == V4L2_BUF_TYPE_VIDEO_OUTPUT) {
                /* 0.12.7 answers with what was shown last, others with the oldest. */
                uint32_t last = fake.shown_n ? fake.shown[(fake.shown_n - 1) % 64] : fake.used - 1;

                buffer->index = fake.loopback ? last : (last + 1) % fake.used;
                return 0;
        }
        if (!fake.ready_n)
                return no(EAGAIN);
        clock_gettime(CLOCK_MONOTONIC, &now);
        buffer->index = fake.ready[0];
        buffer->bytesused = fake.ready_bytes[0];
        buffer->flags = fake.ready_flags[0] | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
        buffer->sequence = fake.ready_sequence[0];
        buffer->timestamp = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
        fake.ready_n--;
        memmove(fake.ready, fake.ready + 1, sizeof(fake.ready[0]) * fake.ready_n);
        memmove(fake.ready_bytes, fake.ready_bytes + 1, sizeof(fake.ready[0]) * fake.ready_n);
        memmove(fake.ready_flags, fake.ready_flags + 1, sizeof(fake.ready[0]) * fake.ready_n);
        memmove(fake.ready_sequence, fake.ready_sequence + 1, sizeof(fake.ready[0]) * fake.ready_n);
        if (fake.bend_buffer)
                fake.bend_buffer(buffer);
        return 0;
}

static int parameters(struct v4l2_streamparm *parm, bool set)
{
        if (set)
                fake.interval = parm->parm.capture.timeperframe;
        parm->parm.capture.timeperframe = fake.interval;
        parm->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
        return 0;
}

static int stream(bool on)
{
        fake.streaming = on;
        if (!on) {
                memset(fake.queued, 0, sizeof(fake.queued));
                fake.ready_n = 0;
        }
        return 0;
}

static int answer(unsigned long request_code, void *arg)
{
        struct v4l2_fmtdesc *desc = arg;

        switch (request_code) {
        case VIDIOC_QUERYCAP:
                return querycap(arg);
        case VIDIOC_ENUM_FMT:
                if (desc->index >= fake.formats_n)
                        return no(EINVAL);
                desc->pixelformat = fake.formats[desc->index].fourcc;
                return 0;
        case VIDIOC_ENUM_FRAMESIZES:
                return enum_sizes(arg);
        case VIDIOC_ENUM_FRAMEINTERVALS:
                return enum_rates(arg);
        case VIDIOC_G_FMT:
                ((struct v4l2_format *)arg)->fmt.pix = (struct v4l2_pix_format){.width = 320, .height = 240};
                return 0;
        case VIDIOC_S_FMT:
                return set_format(&((struct v4l2_format *)arg)->fmt.pix);
        case VIDIOC_G_PARM:
        case VIDIOC_S_PARM:
                return parameters(arg, request_code == VIDIOC_S_PARM);
        case VIDIOC_REQBUFS:
                return request(arg);
        case VIDIOC_QUERYBUF:
                return query(arg);
        case VIDIOC_QBUF:
                return queue(arg);
        case VIDIOC_DQBUF:
                return dequeue(arg);
        case VIDIOC_STREAMON:
        case VIDIOC_STREAMOFF:
                return stream(request_code == VIDIOC_STREAMON);
        case VIDIOC_ENUMOUTPUT:
                return fake.producer ? no(ENOTTY) : 0;
        }
        return no(ENOTTY);
}

int __wrap_ioctl(int fd, unsigned long request_code, ...)
{
        va_list args;
        void *arg;

        va_start(args, request_code);
        arg = va_arg(args, void *);
        va_end(args);
        if (_IOC_TYPE(request_code) != 'V')
                return __real_ioctl(fd, request_code, arg);
        fake.calls++;
        if (request_code == fake.fail_request && !fake.fail_after--) {
                fake.fail_after = 0;
                return no(fake.fail_errno);
        }
        return answer(request_code, arg);
}

void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset)
{
        if (fd < 0 || offset < OFFSET)
                return __real_mmap(at, length, prot, flags, fd, offset);
        fake.mapped++;
        return fake.memory[(offset - OFFSET) / STEP];
}

void *__wrap_mmap64(void *at, size_t length, int prot, int flags, int fd, off_t offset)
{
        return __wrap_mmap(at, length, prot, flags, fd, offset);
}

int __wrap_munmap(void *at, size_t length)
{
        for (int i = 0; i < FAKE_BUFFERS_MAX; i++)
                if (at && at == fake.memory[i]) {
                        fake.mapped--;
                        return 0;
                }
        return __real_munmap(at, length);
}
