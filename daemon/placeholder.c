#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/cleanup.h"
#include "daemon/pixels.h"
#include "daemon/placeholder.h"

/* Outlines, in units of the card's shorter side, the origin in its middle and y downwards. */
struct arc {
        float x, y, radius_x, radius_y;
        float from_y, to_y; /* only this stretch of the ellipse */
        bool filled;
};

static const struct arc arcs[] = {
        {0, -0.06f, 0.21f, 0.27f, -1, 1, false},                                                    /* head */
        {0, 0.56f, 0.40f, 0.30f, -1, 1, false},                                                     /* shoulders */
        {-0.085f, -0.10f, 0.018f, 0.024f, -1, 1, true},                                             /* eyes */
        {0.085f, -0.10f, 0.018f, 0.024f, -1, 1, true},  {0, 0.02f, 0.09f, 0.07f, 0.055f, 1, false}, /* mouth */
};

#define PEN 0.008f /* half the width of a line */

/* How much of a pixel of side `pixel` around (x, y) the arc covers, 0..1.  The distance to the ellipse is taken as that
 * along the gradient, which is exact on the outline. */
static float coverage(const struct arc *arc, float x, float y, float pixel)
{
        if (y < arc->from_y || y > arc->to_y)
                return 0;
        float u = (x - arc->x) / arc->radius_x, v = (y - arc->y) / arc->radius_y;
        float length = hypotf(u, v), gradient = hypotf(u / arc->radius_x, v / arc->radius_y);
        float distance = gradient > 0 ? (length - 1) * length / gradient : -arc->radius_x;
        float outside = arc->filled ? distance : fabsf(distance) - PEN;
        float covered = 0.5f - outside / pixel;
        return covered < 0 ? 0 : covered > 1 ? 1 : covered;
}

void placeholder_draw(uint32_t width, uint32_t height, uint8_t *ret)
{
        const float card[3] = {196, 200, 206}, ink[3] = {118, 124, 134};
        const float side = width < height ? width : height;

        for (uint32_t row = 0; row < height; row++)
                for (uint32_t column = 0; column < width; column++, ret += 4) {
                        float x = (column + 0.5f - width / 2.0f) / side, y = (row + 0.5f - height / 2.0f) / side;
                        float shade = 1.04f - 0.16f * (x * x + y * y), drawn = 0;
                        for (size_t i = 0; i < sizeof arcs / sizeof arcs[0]; i++)
                                drawn = fmaxf(drawn, coverage(&arcs[i], x, y, 1 / side));
                        for (int c = 0; c < 3; c++)
                                ret[c] = fminf(fmaxf(card[c] * shade * (1 - drawn) + ink[c] * drawn, 0), 255);
                        ret[3] = 255;
                }
}

int placeholder_make(const struct frame_format *format, uint8_t **ret)
{
        _cleanup_(freep) uint8_t *rgba = malloc((size_t)format->width * format->height * 4);
        uint8_t *bytes;
        struct gpu_pixels pixels;

        int r = pixels_layout(format, &pixels);
        if (r < 0)
                return r;
        bytes = malloc(pixels.size);
        if (!rgba || !bytes) {
                free(bytes);
                return -ENOMEM;
        }
        placeholder_draw(format->width, format->height, rgba);
        pixels_pack(&pixels, rgba, bytes);
        *ret = bytes;
        return 0;
}
