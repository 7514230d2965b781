#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/pipeline/palette.h"
#include "daemon/pipeline/sheet.h"
#include "v4l2/files/picture.h"

#define GAP 8 /* columns of white between two pictures */

/* Like op_paint(), for a picture that is made only once. */
static void paint(const uint8_t *rgba, uint8_t label, const uint8_t *palette, uint8_t *ret)
{
        const uint8_t *color = palette + label * 4;

        for (int c = 0; c < 3; c++)
                ret[c] = (rgba[c] * (255 - color[3]) + color[c] * color[3] + 127) / 255;
}

int sheet_write(const char *path, const struct model_info *model, uint32_t width, uint32_t height, const uint8_t *rgba,
                const uint8_t *labels)
{
        const size_t row = (size_t)width * 3 + 2 * GAP;
        _cleanup_(freep) uint8_t *sheet = malloc(row * height * 4);
        uint8_t colors[GPU_PALETTE_SIZE], overlay[GPU_PALETTE_SIZE];

        if (!sheet)
                return -ENOMEM;
        palette_fill(model, colors);
        palette_fill_overlay(model, overlay);
        memset(sheet, 255, row * height * 4);
        for (size_t i = 0; i < (size_t)width * height; i++) {
                uint8_t *at = sheet + (i / width * row + i % width) * 4;
                memcpy(at, rgba + i * 4, 3);
                memcpy(at + (width + GAP) * 4, colors + labels[i] * 4, 3);
                paint(rgba + i * 4, labels[i], overlay, at + (width + GAP) * 8);
        }
        return picture_write_png(path, row, height, sheet);
}
