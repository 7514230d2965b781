#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "tests/v4l2/fake-node.h"

#define OFFSET 0x10000000
#define STEP 0x01000000

struct fake_node fake;

enum { FAKE_ORPHANS_MAX = 64 };

int __real_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t length);
int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __real_epoll_ctl(int set, int op, int fd, struct epoll_event *event);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t length, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t length);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_epoll_ctl(int set, int op, int fd, struct epoll_event *event);

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void fake_lock(void)
{
        pthread_mutex_lock(&lock);
}

void fake_unlock(void)
{
        pthread_mutex_unlock(&lock);
}

/* Buffers that the driver has given up, and that are still mapped. */
static struct {
        uint8_t *memory;
        unsigned maps;
} orphans[FAKE_ORPHANS_MAX];

static void orphan(uint8_t *memory, unsigned maps)
{
        int i = 0;

        while (orphans[i].memory)
                if (++i == FAKE_ORPHANS_MAX)
                        abort();
        orphans[i].memory = memory;
        orphans[i].maps = maps;
}

static void free_memory(void)
{
        for (int i = 0; i < FAKE_BUFFERS_MAX; i++) {
                if (fake.maps[i])
                        orphan(fake.memory[i], fake.maps[i]);
                else
                        free(fake.memory[i]);
                fake.memory[i] = NULL;
                fake.maps[i] = 0;
        }
}

void fake_reset(void)
{
        free_memory();
        if (fake.bell)
                close(fake.bell);
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

bool fake_keep(void)
{
        for (uint32_t i = 0; i < fake.count; i++)
                if (fake.queued[i]) {
                        fake.queued[i] = false;
                        fake.kept[i] = true;
                        return true;
                }
        return false;
}

static unsigned times_ready(uint32_t index)
{
        unsigned n = 0;

        for (uint32_t i = 0; i < fake.ready_n; i++)
                n += fake.ready[i] == index;
        return n;
}

bool fake_accounts(void)
{
        for (uint32_t i = 0; i < fake.count && i < FAKE_BUFFERS_MAX; i++)
                if (fake.taken[i] || fake.queued[i] + fake.kept[i] + times_ready(i) != 1)
                        return false;
        return true;
}

void fake_tell(uint32_t value)
{
        fake.pending = true;
        fake.event_value = value;
        if (fake.bell)
                eventfd_write(fake.bell, 1);
}

static int no(int error)
{
        errno = error;
        return -1;
}

static int querycap(struct v4l2_capability *cap)
{
        if (!fake.loopback) { /* a program asks after it has opened the node; the buffers of the one before were freed
                                 with its descriptor */
                free_memory();
                fake.count = 0;
        }
        memset(cap, 0, sizeof *cap);
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

        if (fake.endless && format)
                size->index = 0;
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

        if (fake.endless)
                ival->index = 0;
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

        if (fake.count && !fake.loopback) /* videobuf2: not while there are buffers */
                return no(EBUSY);
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

static void nobody_has_any(void)
{
        memset(fake.queued, 0, sizeof fake.queued);
        memset(fake.taken, 0, sizeof fake.taken);
        memset(fake.kept, 0, sizeof fake.kept);
        fake.ready_n = 0;
}

static int request(struct v4l2_requestbuffers *request)
{
        uint32_t length = fake.length ? fake.length : fake.pix.sizeimage;

        if (fake.buffers_max && request->count > fake.buffers_max)
                request->count = fake.buffers_max;
        if (fake.bend_request && request->count)
                fake.bend_request(request);
        free_memory();
        nobody_has_any();
        fake.streaming = false;
        for (uint32_t i = 0; i < request->count && i < FAKE_BUFFERS_MAX; i++) {
                void *page = NULL; /* begins with one, as what a driver maps; its end is where sanitizers expect it */

                if (posix_memalign(&page, 4096, length) == 0)
                        memset(page, 0, length);
                fake.memory[i] = page;
        }
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

/* The descriptor is no dma-buf, but as long. */
static int export(struct v4l2_exportbuffer *wish)
{
        if (!fake.exports)
                return no(ENOTTY);
        if (wish->index >= fake.count)
                return no(EINVAL);
        wish->fd = memfd_create("fake", MFD_CLOEXEC);
        fake.exported++;
        return wish->fd < 0 ? -1 : ftruncate(wish->fd, (fake.pix.sizeimage + 4095) / 4096 * 4096);
}

static int queue(struct v4l2_buffer *buffer)
{
        if (buffer->index >= fake.count || buffer->index >= FAKE_BUFFERS_MAX)
                return no(EINVAL);
        if (buffer->type == V4L2_BUF_TYPE_VIDEO_OUTPUT) {
                fake.shown[fake.shown_n++ % 64] = buffer->index;
                fake.last = *buffer;
                return 0;
        }
        if (fake.streaming && !fake.taken[buffer->index]) {
                fake.strays++;
                return no(EINVAL);
        }
        if (fake.queued[buffer->index])
                return no(EINVAL);
        fake.taken[buffer->index] = false;
        fake.queued[buffer->index] = true;
        return 0;
}

static int dequeue(struct v4l2_buffer *buffer)
{
        struct timespec now;

        if (!fake.streaming)
                return no(EINVAL);
        if (buffer->type == V4L2_BUF_TYPE_VIDEO_OUTPUT) {
                /* 0.12.7 returns the buffer that was shown last, other versions the oldest. */
                uint32_t last = fake.shown_n ? fake.shown[(fake.shown_n - 1) % 64] : fake.used - 1;

                buffer->index = fake.loopback ? last : (last + 1) % fake.used;
                if (fake.bend_buffer)
                        fake.bend_buffer(buffer);
                return 0;
        }
        if (!fake.ready_n)
                return no(EAGAIN);
        clock_gettime(CLOCK_MONOTONIC, &now);
        buffer->index = fake.ready[0];
        fake.taken[buffer->index] = true;
        buffer->bytesused = fake.ready_bytes[0];
        buffer->flags = fake.ready_flags[0] | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
        buffer->sequence = fake.ready_sequence[0];
        buffer->timestamp = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
        fake.ready_n--;
        memmove(fake.ready, fake.ready + 1, sizeof fake.ready[0] * fake.ready_n);
        memmove(fake.ready_bytes, fake.ready_bytes + 1, sizeof fake.ready[0] * fake.ready_n);
        memmove(fake.ready_flags, fake.ready_flags + 1, sizeof fake.ready[0] * fake.ready_n);
        memmove(fake.ready_sequence, fake.ready_sequence + 1, sizeof fake.ready[0] * fake.ready_n);
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
        if (!on)
                nobody_has_any();
        return 0;
}

/* Input 1 is the camera; a virtual one has none. */
static int subscribe(const struct v4l2_event_subscription *wish)
{
        if (!fake.event_type || wish->type != fake.event_type || wish->id != (fake.loopback ? 0 : 1))
                return no(EINVAL);
        fake.subscribed = true;
        fake.pending |= wish->flags & V4L2_EVENT_SUB_FL_SEND_INITIAL;
        return 0;
}

static int take_event(struct v4l2_event *event)
{
        eventfd_t rings;

        if (!fake.subscribed || !fake.pending)
                return no(ENOENT);
        fake.pending = false;
        if (fake.bell)
                eventfd_read(fake.bell, &rings);
        memset(event, 0, sizeof *event);
        event->type = fake.event_type;
        memcpy(event->u.data, &fake.event_value, sizeof fake.event_value);
        return 0;
}

static int answer(unsigned long request_code, void *arg)
{
        struct v4l2_fmtdesc *desc = arg;

        switch (request_code) {
        case VIDIOC_QUERYCAP:
                return querycap(arg);
        case VIDIOC_ENUM_FMT:
                if (desc->index >= fake.formats_n && !fake.endless)
                        return no(EINVAL);
                desc->pixelformat = fake.formats[desc->index % fake.formats_n].fourcc;
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
        case VIDIOC_EXPBUF:
                return export(arg);
        case VIDIOC_QBUF:
                return queue(arg);
        case VIDIOC_DQBUF:
                return dequeue(arg);
        case VIDIOC_STREAMON:
        case VIDIOC_STREAMOFF:
                return stream(request_code == VIDIOC_STREAMON);
        case VIDIOC_ENUMOUTPUT:
                return fake.producer ? no(ENOTTY) : 0;
        case VIDIOC_G_INPUT:
                *(int *)arg = 1;
                return 0;
        case VIDIOC_SUBSCRIBE_EVENT:
                return subscribe(arg);
        case VIDIOC_DQEVENT:
                return take_event(arg);
        }
        return no(ENOTTY);
}

static bool fails(unsigned long request_code)
{
        if (request_code != fake.fail_request)
                return false;
        if (fake.fail_after) {
                fake.fail_after--;
                return false;
        }
        if (fake.fail_times && !--fake.fail_times)
                fake.fail_request = 0;
        fake.failed++;
        errno = fake.fail_errno;
        return true;
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
        fake_lock();
        fake.calls++;
        int r = fails(request_code) ? -1 : answer(request_code, arg);
        fake_unlock();
        return r;
}

void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset)
{
        if (fd < 0 || offset < OFFSET)
                return __real_mmap(at, length, prot, flags, fd, offset);
        if (fails(FAKE_MMAP))
                return MAP_FAILED;
        fake.mapped++;
        fake.maps[(offset - OFFSET) / STEP]++;
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
                        fake.maps[i]--;
                        return 0;
                }
        for (int i = 0; i < FAKE_ORPHANS_MAX; i++)
                if (at && at == orphans[i].memory) {
                        fake.mapped--;
                        if (--orphans[i].maps == 0) {
                                free(orphans[i].memory);
                                orphans[i].memory = NULL;
                        }
                        return 0;
                }
        return __real_munmap(at, length);
}

/* The node is the first of several descriptors. */
static int wait_for_node(struct pollfd *fds, nfds_t n)
{
        int r = 0;

        for (;;) {
                fake_lock();
                fds->revents = fake.trouble ? fake.trouble : fake.ready_n || fake.pending ? POLLIN : 0;
                fake_unlock();
                r = __real_poll(fds + 1, n - 1, fds->revents ? 0 : 1);
                if (r || fds->revents)
                        return r < 0 ? r : r + (fds->revents != 0);
        }
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
        if (n > 1 && timeout < 0)
                return wait_for_node(fds, n);
        if (!fake.trouble)
                return __real_poll(fds, n, timeout);
        fds->revents = fake.trouble;
        return 1;
}

/* As in v4l2loopback up to 0.13: a program that begins to wait while an event is pending never sees one. */
int __wrap_epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
        if (fake.bell && op == EPOLL_CTL_DEL) {
                close(fake.bell);
                fake.bell = 0;
                return 0;
        }
        if (op != EPOLL_CTL_ADD || !(event->events & EPOLLPRI))
                return __real_epoll_ctl(set, op, fd, event);
        fake.bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        return fake.pending ? 0 : __real_epoll_ctl(set, op, fake.bell, &(struct epoll_event){.events = EPOLLIN});
}
