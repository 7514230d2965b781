#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "v4l2/files/picture.h"
#include "v4l2/sink-kind.h"
#include "v4l2/thread.h"
#include "v4l2/why.h"

/* Compressing a picture takes longer than the interval between frames, so a thread does it, one frame at a time. */
struct png_sink {
        struct sink base;
        char before[PATH_MAX], after[PATH_MAX]; /* the parts of the name around the number */
        int digits;
        uint32_t number;
        uint8_t *frame, *rgba;
        int result; /* of the last frame; 0 once it has been reported */

        pthread_t thread;
        bool runs, end;
        /* `work` wakes the thread, and `idle` says that it has finished.  In between, only the thread uses the fields
         * above. */
        sem_t work, idle;
        int event; /* readable when a frame is finished */
};

/* Y' offset and scale, then R += rv Cr, G -= gu Cb + gv Cr, B += bu Cb; in 16.16, from the standards' Kr and Kb. */
struct coefficients {
        int32_t offset, scale, rv, gu, gv, bu;
};

static const struct coefficients coefficients[2][2] = {
        [FRAME_BT601] = {{16, 76309, 104597, 25675, 53279, 132201}, {0, 65536, 91881, 22554, 46802, 116130}},
        [FRAME_BT709] = {{16, 76309, 117489, 13975, 34925, 138438}, {0, 65536, 103206, 12276, 30679, 121609}},
};

static uint8_t to_byte(int32_t value)
{
        value = (value + 32768) >> 16;
        return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

static void to_rgba(const struct frame_format *format, const uint8_t *yu12, uint8_t *ret)
{
        const struct coefficients *k = &coefficients[format->matrix][format->full_range];
        const uint8_t *cb = yu12 + (size_t)format->width * format->height;
        const uint8_t *cr = cb + (size_t)format->width / 2 * (format->height / 2);

        for (uint32_t y = 0; y < format->height; y++) {
                size_t row = (size_t)(y / 2) * (format->width / 2);

                for (uint32_t x = 0; x < format->width; x++, ret += 4) {
                        int32_t luma = (yu12[(size_t)y * format->width + x] - k->offset) * k->scale;
                        int32_t u = cb[row + x / 2] - 128, v = cr[row + x / 2] - 128;

                        ret[0] = to_byte(luma + k->rv * v);
                        ret[1] = to_byte(luma - k->gu * u - k->gv * v);
                        ret[2] = to_byte(luma + k->bu * u);
                        ret[3] = 255;
                }
        }
}

/* ---- on the thread ---- */

static int write_frame(struct png_sink *png)
{
        const struct frame_format *format = &png->base.format;
        char path[2 * PATH_MAX + 16];
        int r;

        snprintf(path, sizeof path, "%s%0*u%s", png->before, png->digits, png->number, png->after);
        to_rgba(format, png->frame, png->rgba);
        r = picture_write_png(path, format->width, format->height, png->rgba);
        if (!r)
                png->number++;
        return r;
}

static void wait_for(sem_t *semaphore)
{
        while (sem_wait(semaphore) < 0) /* interrupted */
                ;
}

static void *run(void *userdata)
{
        struct png_sink *png = userdata;

        for (wait_for(&png->work); !png->end; wait_for(&png->work)) {
                png->result = write_frame(png);
                sem_post(&png->idle);
                eventfd_write(png->event, 1);
        }
        return NULL;
}

/* ---- what a sink does ---- */

/* Call it only while the thread is idle. */
static int take_result(struct png_sink *png)
{
        int r = png->result;

        png->result = 0;
        return r;
}

static int show(struct sink *sink, const uint8_t *frame, uint64_t time_ns)
{
        struct png_sink *png = (struct png_sink *)sink;
        int r;

        (void)time_ns;
        if (sem_trywait(&png->idle) < 0)
                return -EAGAIN;
        r = take_result(png);
        if (!r)
                memcpy(png->frame, frame, sink->format.size);
        sem_post(r ? &png->idle : &png->work);
        return r;
}

static int get_fd(const struct sink *sink)
{
        return ((const struct png_sink *)sink)->event;
}

static int dispatch(struct sink *sink)
{
        struct png_sink *png = (struct png_sink *)sink;
        eventfd_t ignored;
        int r;

        eventfd_read(png->event, &ignored);
        if (sem_trywait(&png->idle) < 0)
                return 0;
        r = take_result(png);
        sem_post(&png->idle);
        return r;
}

static int flush(struct sink *sink)
{
        struct png_sink *png = (struct png_sink *)sink;
        int r;

        wait_for(&png->idle);
        r = take_result(png);
        sem_post(&png->idle);
        return r;
}

static void close_sink(struct sink *sink)
{
        struct png_sink *png = (struct png_sink *)sink;

        if (png->runs) {
                wait_for(&png->idle);
                png->end = true;
                sem_post(&png->work);
                pthread_join(png->thread, NULL);
        }
        if (png->event >= 0)
                close(png->event);
        sem_destroy(&png->work);
        sem_destroy(&png->idle);
        free(png->frame);
        free(png->rgba);
        free(png);
}

static const struct sink_ops ops = {close_sink, show, get_fd, dispatch, NULL, flush};

/* ---- opening ---- */

/* Only one %d or %0Nd and no other conversion; printf() never sees the pattern itself. */
static bool split(struct png_sink *png, const char *pattern)
{
        const char *mark = strchr(pattern, '%'), *p;

        if (!mark || strchr(mark + 1, '%') || strlen(pattern) >= PATH_MAX)
                return false;
        p = mark + 1;
        if (*p == '0' && p[1] >= '1' && p[1] <= '9') {
                png->digits = p[1] - '0';
                p += 2;
        }
        if (*p != 'd')
                return false;
        memcpy(png->before, pattern, (size_t)(mark - pattern));
        strcpy(png->after, p + 1);
        return true;
}

static int start(struct png_sink *png)
{
        const struct frame_format *format = &png->base.format;
        int r;

        png->frame = malloc(format->size);
        png->rgba = malloc((size_t)format->width * format->height * 4);
        if (!png->frame || !png->rgba)
                return -ENOMEM;
        png->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (png->event < 0)
                return -errno;
        r = thread_start(&png->thread, run, png);
        png->runs = !r;
        return r;
}

static int prepare(struct png_sink *png, const char *pattern, const struct frame_format *format, char *why,
                   size_t why_size)
{
        char *slash, folder[PATH_MAX] = ".";
        int r;

        if (!split(png, pattern))
                return why_say(why, why_size, -EINVAL,
                               "\"%s\" needs one %%d or %%04d for the number; write png:out-%%04d.png", pattern);
        slash = strrchr(png->before, '/');
        if (slash)
                snprintf(folder, sizeof folder, "%.*s/", (int)(slash - png->before), png->before);
        if (access(folder, W_OK | X_OK) < 0) {
                r = -errno;
                return why_say(why, why_size, r, "%s: %s; choose a writable folder", folder, strerror(-r));
        }
        r = sink_file_format(format, &png->base.format);
        if (r < 0)
                return why_say(why, why_size, r, "%s: a size of %ux%u cannot be written; choose another", pattern,
                               format->width, format->height);
        r = start(png);
        if (r < 0)
                return why_say(why, why_size, r, "%s: %s; choose a smaller size", pattern, strerror(-r));
        return 0;
}

int png_sink_open(const char *pattern, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                  char *why, size_t why_size)
{
        struct png_sink *png = calloc(1, sizeof *png);
        int r;

        (void)rate;
        if (!png)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; close other programs", pattern);
        png->base.ops = &ops;
        png->event = -1;
        sem_init(&png->work, 0, 0);
        sem_init(&png->idle, 0, 1);
        r = prepare(png, pattern, format, why, why_size);
        if (r < 0) {
                close_sink(&png->base);
                return r;
        }
        *ret = &png->base;
        return 0;
}
