#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/pixels.h"
#include "daemon/service/caption.h"
#include "daemon/service/placeholder.h"

/* Outlines, in units of the card's shorter side, the origin in its middle and y downwards. */
struct arc {
        float x, y, radius_x, radius_y;
        float from_y, to_y; /* only this part of the ellipse */
        bool filled;
};

static const struct arc arcs[] = {
        {0, -0.06f, 0.21f, 0.27f, -1, 1, false},                                                    /* head */
        {0, 0.56f, 0.40f, 0.30f, -1, 0.36f, false},                                                 /* shoulders */
        {-0.085f, -0.10f, 0.018f, 0.024f, -1, 1, true},                                             /* eyes */
        {0.085f, -0.10f, 0.018f, 0.024f, -1, 1, true},  {0, 0.02f, 0.09f, 0.07f, 0.055f, 1, false}, /* mouth */
};

#define PEN 0.008f        /* half the width of a line */
#define CAPTION_ROW 0.45f /* its baseline */
#define CAPTION_HEIGHT 0.065f

static const uint8_t ink[3] = {118, 124, 134};

struct placeholder {
        struct gpu_pixels pixels;
        struct caption *writer; /* NULL: there is no font */
        uint8_t *card, *rgba;   /* without and with the caption */
        uint8_t *bytes;         /* rgba in the sink's format */
        char caption[64];
};

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
        const float card[3] = {196, 200, 206};
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

int placeholder_new(const struct frame_format *format, struct placeholder **ret)
{
        struct placeholder *p = calloc(1, sizeof *p);
        if (!p)
                return -ENOMEM;
        int r = pixels_layout(format, &p->pixels);
        if (r == 0) {
                p->card = malloc((size_t)format->width * format->height * 4);
                p->rgba = malloc((size_t)format->width * format->height * 4);
                p->bytes = malloc(p->pixels.size);
                if (!p->card || !p->rgba || !p->bytes)
                        r = -ENOMEM;
        }
        if (r < 0) {
                placeholder_free(p);
                return r;
        }
        caption_new(&p->writer);
        placeholder_draw(format->width, format->height, p->card);
        pixels_pack(&p->pixels, p->card, p->bytes);
        *ret = p;
        return 0;
}

void placeholder_free(struct placeholder *p)
{
        if (!p)
                return;
        caption_free(p->writer);
        free(p->card);
        free(p->rgba);
        free(p->bytes);
        free(p);
}

bool placeholder_can_write(const struct placeholder *p)
{
        return p->writer != NULL;
}

void placeholder_say(struct placeholder *p, const char *caption)
{
        const uint32_t width = p->pixels.width, height = p->pixels.height;
        const float side = width < height ? width : height;

        if (!p->writer || strcmp(caption, p->caption) == 0)
                return;
        snprintf(p->caption, sizeof p->caption, "%s", caption);
        memcpy(p->rgba, p->card, (size_t)width * height * 4);
        caption_draw(p->writer, p->caption, height / 2.0f + CAPTION_ROW * side, CAPTION_HEIGHT * side, ink, p->rgba,
                     width, height);
        pixels_pack(&p->pixels, p->rgba, p->bytes);
}

const uint8_t *placeholder_bytes(const struct placeholder *p)
{
        return p->bytes;
}
