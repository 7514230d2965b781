#include <math.h>

#include "v4l2/files/motion.h"

/* Periods in frames, with hardly any common divisors: at 30/s the motion repeats after half an hour. */
#define DRIFT_X_FRAMES 241
#define DRIFT_Y_FRAMES 313
#define TURN_FRAMES 401
#define ZOOM_FRAMES 359

#define DRIFT_X 0.04 /* of the width */
#define DRIFT_Y 0.03 /* of the height */
#define TURN_DEGREES 4.0
#define ZOOM 0.10

#define ONE 65536

struct motion_map motion_rest(uint32_t source_width, uint32_t source_height, uint32_t width, uint32_t height)
{
        double across = (double)source_width / width, down = (double)source_height / height;
        double scale = across < down ? across : down;
        struct motion_map map = {.step = {scale, 0, 0, scale}};

        map.origin_u = (source_width - 1) * 0.5 - (width - 1) * 0.5 * scale;
        map.origin_v = (source_height - 1) * 0.5 - (height - 1) * 0.5 * scale;
        return map;
}

static double wave(uint64_t n, unsigned period)
{
        return sin(2 * M_PI * (double)(n % period) / period);
}

struct motion_map motion_at(struct motion_map rest, uint32_t width, uint32_t height, uint64_t n)
{
        double scale = rest.step[0], zoom = scale / (1 + ZOOM * wave(n, ZOOM_FRAMES));
        double angle = TURN_DEGREES * M_PI / 180 * wave(n, TURN_FRAMES);
        double middle_x = (width - 1) * 0.5, middle_y = (height - 1) * 0.5;
        double middle_u = rest.origin_u + (middle_x + DRIFT_X * width * wave(n, DRIFT_X_FRAMES)) * scale;
        double middle_v = rest.origin_v + (middle_y + DRIFT_Y * height * wave(n, DRIFT_Y_FRAMES)) * scale;
        struct motion_map map = {.step = {cos(angle) * zoom, -sin(angle) * zoom, sin(angle) * zoom, cos(angle) * zoom}};

        map.origin_u = middle_u - middle_x * map.step[0] - middle_y * map.step[1];
        map.origin_v = middle_v - middle_x * map.step[2] - middle_y * map.step[3];
        return map;
}

static inline int64_t clamp(int64_t value, int64_t max)
{
        return value < 0 ? 0 : value > max ? max : value;
}

/* Fractions have 8 bits, so products of two of them and a sample fit in 24. */
static inline void sample(const uint8_t *source, uint32_t width, uint32_t height, int64_t u, int64_t v, uint8_t *ret)
{
        uint32_t x, y, fx, fy;
        const uint8_t *top, *bottom, *next;

        u = clamp(u, (int64_t)(width - 1) * ONE);
        v = clamp(v, (int64_t)(height - 1) * ONE);
        x = (uint32_t)(u >> 16);
        y = (uint32_t)(v >> 16);
        fx = (uint32_t)(u >> 8) & 0xff;
        fy = (uint32_t)(v >> 8) & 0xff;
        top = source + ((uint64_t)y * width + x) * 4;
        bottom = y + 1 < height ? top + (uint64_t)width * 4 : top;
        next = x + 1 < width ? top + 4 : top;
        for (int c = 0; c < 3; c++) {
                uint32_t above = top[c] * (256 - fx) + next[c] * fx;
                uint32_t below = bottom[c] * (256 - fx) + bottom[next - top + c] * fx;

                ret[c] = (uint8_t)((above * (256 - fy) + below * fy + 32768) >> 16);
        }
}

static int64_t fixed(double value)
{
        return llround(value * ONE);
}

void motion_draw(const struct motion_map *map, const uint8_t *source, uint32_t source_width, uint32_t source_height,
                 uint8_t *ret, uint32_t width, uint32_t height)
{
        int64_t step_u = fixed(map->step[0]), step_v = fixed(map->step[2]);

        for (uint32_t y = 0; y < height; y++) {
                int64_t u = fixed(map->origin_u + y * map->step[1]), v = fixed(map->origin_v + y * map->step[3]);

                for (uint32_t x = 0; x < width; x++, u += step_u, v += step_v, ret += 3)
                        sample(source, source_width, source_height, u, v, ret);
        }
}
