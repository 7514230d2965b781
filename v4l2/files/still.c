#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "v4l2/camera-kind.h"
#include "v4l2/files/motion.h"
#include "v4l2/files/picture.h"
#include "v4l2/frame-timer.h"
#include "v4l2/layout.h"
#include "v4l2/why.h"

/* What a camera would deliver if there is no wish. */
#define USUAL_WIDTH 1280
#define USUAL_HEIGHT 720

static const struct frame_rate usual_rate = {30, 1};

struct still_camera {
        struct camera base;
        bool moving;
        struct picture picture;
        struct motion_map rest;
        uint64_t due; /* frames since the start, including those that nobody fetched */
        uint8_t *rgb;
};

static uint32_t even(double value)
{
        uint32_t side = (uint32_t)value & ~1u;

        return side < 2 ? 2 : side > FRAME_SIDE_MAX ? FRAME_SIDE_MAX : side;
}

static void choose_size(const struct picture *picture, const struct camera_wish *wish, struct frame_format *format)
{
        double width = picture->width, height = picture->height, scale = 1;

        if (wish->width && wish->height) {
                format->width = even(wish->width);
                format->height = even(wish->height);
                return;
        }
        if (wish->width)
                scale = wish->width / width;
        else if (wish->height)
                scale = wish->height / height;
        else if (width > USUAL_WIDTH || height > USUAL_HEIGHT)
                scale = width * USUAL_HEIGHT > height * USUAL_WIDTH ? USUAL_WIDTH / width : USUAL_HEIGHT / height;
        /* Slightly more, so that 1280 computed as 1279.9999 does not become 1278. */
        format->width = even(width * scale + 1e-6);
        format->height = even(height * scale + 1e-6);
}

/* Averages whole blocks until the remaining reduction is less than a factor of two, which bilinear sampling can do
 * without flicker.  Works in place, because no block is written before it has been read. */
static void shrink(struct picture *picture, uint32_t factor)
{
        uint32_t width = picture->width / factor, height = picture->height / factor;
        uint8_t *to = picture->rgba;

        for (uint32_t y = 0; y < height; y++)
                for (uint32_t x = 0; x < width; x++, to += 4) {
                        uint64_t sum[3] = {0};

                        for (uint32_t j = 0; j < factor; j++) {
                                const uint8_t *from =
                                        picture->rgba + ((uint64_t)(y * factor + j) * picture->width + x * factor) * 4;

                                for (uint32_t i = 0; i < factor; i++, from += 4)
                                        for (int c = 0; c < 3; c++)
                                                sum[c] += from[c];
                        }
                        for (int c = 0; c < 3; c++)
                                to[c] = (uint8_t)((sum[c] + (uint64_t)factor * factor / 2) /
                                                  ((uint64_t)factor * factor));
                }
        picture->width = width;
        picture->height = height;
}

static void draw(struct still_camera *still, uint64_t n)
{
        const struct frame_format *format = &still->base.format;
        struct motion_map map = still->rest;

        if (still->moving)
                map = motion_at(map, format->width, format->height, n);
        motion_draw(&map, still->picture.rgba, still->picture.width, still->picture.height, still->rgb, format->width,
                    format->height);
}

static void close_still(struct camera *camera)
{
        struct still_camera *still = (struct still_camera *)camera;

        if (camera->fd >= 0)
                close(camera->fd);
        picture_free(&still->picture);
        free(still->rgb);
        free(still);
}

static int start(struct camera *camera)
{
        return frame_timer_start(camera->fd, camera->rate);
}

static void stop(struct camera *camera)
{
        frame_timer_stop(camera->fd);
}

static int next(struct camera *camera, struct frame *ret)
{
        struct still_camera *still = (struct still_camera *)camera;
        uint64_t due = frame_timer_take(camera->fd);

        if (!due)
                return -EAGAIN;
        camera->counters.captured += due;
        camera->counters.stale += due - 1;
        still->due += due;
        if (still->moving)
                draw(still, still->due - 1);
        *ret = (struct frame){still->rgb, frame_timer_last(camera->fd), (uint32_t)(still->due - 1), 0};
        return 0;
}

static int release(struct camera *camera, const struct frame *frame)
{
        (void)camera;
        (void)frame;
        return 0;
}

static const struct camera_ops ops = {close_still, start, stop, next, release};

static int prepare(struct still_camera *still, const struct camera_wish *wish)
{
        struct frame_format *format = &still->base.format;
        uint32_t factor;
        int r;

        format->fourcc = V4L2_PIX_FMT_RGB24;
        format->matrix = FRAME_BT601;
        format->full_range = true;
        choose_size(&still->picture, wish, format);
        r = frame_format_pack(format);
        if (r < 0)
                return r;
        still->base.rate = frame_rate_sane(wish->rate) ? wish->rate : usual_rate;

        still->rest = motion_rest(still->picture.width, still->picture.height, format->width, format->height);
        factor = (uint32_t)still->rest.step[0];
        if (factor >= 2) {
                shrink(&still->picture, factor);
                still->rest = motion_rest(still->picture.width, still->picture.height, format->width, format->height);
        }
        still->rgb = malloc(format->size);
        if (!still->rgb)
                return -ENOMEM;
        still->base.fd = frame_timer_open();
        if (still->base.fd < 0)
                return still->base.fd;
        draw(still, 0);
        return 0;
}

int still_open(const char *path, bool moving, const struct camera_wish *wish, struct camera **ret, char *why,
               size_t why_size)
{
        struct still_camera *still = calloc(1, sizeof *still);
        int r;

        if (!still)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; close other programs", path);
        still->base.ops = &ops;
        still->base.fd = -1;
        still->moving = moving;
        snprintf(still->base.name, sizeof still->base.name, "%s", path);
        r = picture_read(path, &still->picture, why, why_size);
        if (!r) {
                r = prepare(still, wish);
                if (r < 0)
                        why_say(why, why_size, r, "%s: cannot stand in for a camera (%s); choose a smaller size", path,
                                strerror(-r));
        }
        if (r < 0) {
                close_still(&still->base);
                return r;
        }
        *ret = &still->base;
        return 0;
}
