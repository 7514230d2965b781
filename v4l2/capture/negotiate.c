#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>

#include "v4l2/capture/negotiate.h"
#include "v4l2/frame-timer.h"
#include "v4l2/layout.h"
#include "v4l2/xioctl.h"

#define TYPE V4L2_BUF_TYPE_VIDEO_CAPTURE

/* A driver with endless lists must not hang us. */
#define FORMATS_MAX 128
#define SIZES_MAX 512
#define RATES_MAX 256

/* The default rate, as expected of a video call.  It avoids uncompressed formats that a USB 2 camera offers at only 5
 * frames per second. */
#define USUAL_RATE 30

/* The cost has four fields, the most significant first: last resort, missing pixels, missing frames per second,
 * work. */
#define COST_LAST (1ull << 60)
#define COST_PIXEL (1ull << 28)
#define COST_RATE_MAX 0xfffffull
#define COST_RATE (1ull << 8)

/* What a format costs, whatever its size and rate. */
struct price {
        enum offer_way way;
        uint32_t work; /* a rough measure of bytes to move and cycles to spend: the bytes of 2 x 2 pixels */
        uint32_t last; /* how much of a last resort it is */
};

#define WORK_JPEG 16 /* more than for any raw format */

/* False: only libv4l2 can convert it. */
static bool price_of(uint32_t fourcc, struct price *ret)
{
        struct frame_format quad = {.fourcc = fourcc, .width = 2, .height = 2};

        if (fourcc == V4L2_PIX_FMT_MJPEG || fourcc == V4L2_PIX_FMT_JPEG)
                *ret = (struct price){OFFER_MJPEG, WORK_JPEG, 0};
        else if (frame_format_pack(&quad) == 0)
                *ret = (struct price){OFFER_NATIVE, quad.size, frame_layout(fourcc)->component[1].step ? 0 : 2};
        else
                return false;
        return true;
}

static uint64_t distance(const struct offer *offer, const struct camera_wish *wish)
{
        return (uint64_t)llabs((long long)offer->width - wish->width) +
               (uint64_t)llabs((long long)offer->height - wish->height);
}

static uint32_t step_to(uint32_t wish, uint32_t min, uint32_t max, uint32_t step)
{
        uint32_t value;

        if (wish <= min)
                return min;
        value = min + (wish - min) / (step ? step : 1) * (step ? step : 1);
        return value < max ? value : max;
}

/* Sets width and height to the nearest size that the driver offers in this format, or to the wish if it does not
 * say. */
static void nearest_size(int fd, const struct camera_wish *wish, struct offer *offer)
{
        struct offer best = *offer;
        bool found = false;

        best.width = wish->width;
        best.height = wish->height;
        for (uint32_t i = 0; i < SIZES_MAX; i++) {
                struct v4l2_frmsizeenum size = {.index = i, .pixel_format = offer->fourcc};
                struct offer now = *offer;

                if (xioctl(fd, VIDIOC_ENUM_FRAMESIZES, &size) < 0)
                        break;
                if (size.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
                        now.width = size.discrete.width;
                        now.height = size.discrete.height;
                } else {
                        const struct v4l2_frmsize_stepwise *s = &size.stepwise;

                        now.width = step_to(wish->width, s->min_width, s->max_width, s->step_width);
                        now.height = step_to(wish->height, s->min_height, s->max_height, s->step_height);
                }
                if (!found || distance(&now, wish) < distance(&best, wish))
                        best = now;
                found = true;
                if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE)
                        break;
        }
        *offer = best;
}

static double fps(struct frame_rate rate)
{
        return (double)rate.numerator / rate.denominator;
}

/* The slowest rate that is fast enough, else the fastest. */
static bool better_rate(struct frame_rate now, struct frame_rate best, double aim)
{
        bool enough = fps(now) >= aim * 0.95;

        if (!best.denominator)
                return true;
        if (enough != (fps(best) >= aim * 0.95))
                return enough;
        return enough ? fps(now) < fps(best) : fps(now) > fps(best);
}

static void nearest_rate(int fd, double aim, struct offer *offer)
{
        struct frame_rate best = {0, 0};

        for (uint32_t i = 0; i < RATES_MAX; i++) {
                struct v4l2_frmivalenum ival = {
                        .index = i, .pixel_format = offer->fourcc, .width = offer->width, .height = offer->height};
                struct frame_rate now;

                if (xioctl(fd, VIDIOC_ENUM_FRAMEINTERVALS, &ival) < 0)
                        break;
                /* The interval is the inverse of the rate; only the fast end of a range matters. */
                if (ival.type == V4L2_FRMIVAL_TYPE_DISCRETE)
                        now = (struct frame_rate){ival.discrete.denominator, ival.discrete.numerator};
                else
                        now = (struct frame_rate){ival.stepwise.min.denominator, ival.stepwise.min.numerator};
                if (frame_rate_sane(now) && better_rate(now, best, aim))
                        best = now;
                if (ival.type != V4L2_FRMIVAL_TYPE_DISCRETE)
                        break;
        }
        offer->rate = best;
}

static uint64_t cost(const struct offer *offer, const struct camera_wish *wish, double aim, const struct price *price)
{
        uint64_t missing = 0;

        if (offer->rate.denominator && fps(offer->rate) < aim * 0.95)
                missing = (uint64_t)((aim - fps(offer->rate)) * 100);
        if (missing > COST_RATE_MAX)
                missing = COST_RATE_MAX;
        return price->last * COST_LAST + distance(offer, wish) * COST_PIXEL + missing * COST_RATE + price->work;
}

/* The wish, with zeros replaced by the camera's current settings. */
static int complete_wish(int fd, struct camera_wish *wish)
{
        struct v4l2_format now = {.type = TYPE};

        if (wish->width && wish->height)
                return 0;
        if (xioctl(fd, VIDIOC_G_FMT, &now) < 0)
                return -errno;
        wish->width = wish->width ? wish->width : now.fmt.pix.width;
        wish->height = wish->height ? wish->height : now.fmt.pix.height;
        return 0;
}

static int compare(const void *a, const void *b)
{
        const struct offer *x = a, *y = b;

        return (x->cost > y->cost) - (x->cost < y->cost);
}

int negotiate(int fd, const struct camera_wish *wish, struct offer ret[NEGOTIATE_OFFERS_MAX])
{
        struct camera_wish aim = *wish;
        double rate = frame_rate_sane(aim.rate) ? fps(aim.rate) : USUAL_RATE;
        bool foreign = false;
        int n = 0, r;

        r = complete_wish(fd, &aim);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < FORMATS_MAX && n < NEGOTIATE_OFFERS_MAX - 1; i++) {
                struct v4l2_fmtdesc desc = {.index = i, .type = TYPE};
                struct offer offer = {0};
                struct price price;

                if (xioctl(fd, VIDIOC_ENUM_FMT, &desc) < 0)
                        break;
                offer.fourcc = desc.pixelformat;
                if (!price_of(offer.fourcc, &price)) {
                        foreign = true;
                        continue;
                }
                offer.way = price.way;
                nearest_size(fd, &aim, &offer);
                nearest_rate(fd, rate, &offer);
                offer.cost = cost(&offer, &aim, rate, &price);
                ret[n++] = offer;
        }
        /* RGB24, because libv4lconvert 1.22's conversion to YUV420 reads far beyond the end of RGB565 frames, and
         * swaps red and blue. */
        if (foreign)
                ret[n++] =
                        (struct offer){OFFER_CONVERTED, V4L2_PIX_FMT_RGB24, aim.width, aim.height, {0, 0}, COST_LAST};
        qsort(ret, (size_t)n, sizeof *ret, compare);
        return n;
}
