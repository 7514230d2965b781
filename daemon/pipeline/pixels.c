#include <errno.h>
#include <string.h>

#include "daemon/pipeline/pixels.h"
#include "v4l2/layout.h"

int pixels_layout(const struct frame_format *format, struct gpu_pixels *ret)
{
        const struct frame_layout *layout = frame_layout(format->fourcc);

        if (!layout)
                return -ENOTSUP;
        uint32_t chroma_stride = frame_chroma_stride(layout, format->stride);
        uint32_t strides[3] = {format->stride, chroma_stride, chroma_stride};
        uint32_t starts[3] = {0, format->stride * format->height};
        starts[2] = starts[1] + chroma_stride * (format->height >> layout->shift_y);

        struct gpu_pixels pixels = {
                .width = format->width,
                .height = format->height,
                .color = layout->rgb                     ? GPU_COLOR_RGB
                         : format->matrix == FRAME_BT709 ? GPU_COLOR_BT709
                                                         : GPU_COLOR_BT601,
                .full_range = format->full_range,
                .size = format->size,
        };
        for (int c = 0; c < 3; c++) {
                const unsigned plane = layout->component[c].plane, step = layout->component[c].step;
                pixels.component[c].offset = starts[plane] + layout->component[c].offset;
                pixels.component[c].stride = strides[plane];
                pixels.component[c].step = step;
                if (c == 0 || step == 0)
                        continue;
                pixels.component[c].shift_x = layout->shift_x;
                pixels.component[c].shift_y = layout->shift_y;
        }
        *ret = pixels;
        return 0;
}

static float times(const float row[4], const float value[3])
{
        return row[0] * value[0] + row[1] * value[1] + row[2] * value[2] + row[3] * 255;
}

static uint8_t to_byte(float value)
{
        return value < 0 ? 0 : value > 255 ? 255 : value + 0.5f;
}

static void pack_component(const struct gpu_pixels *pixels, unsigned c, const float row[4], const uint8_t *rgba,
                           uint8_t *ret)
{
        const uint32_t block_w = 1u << pixels->component[c].shift_x, block_h = 1u << pixels->component[c].shift_y;

        for (uint32_t y = 0; y + block_h <= pixels->height; y += block_h)
                for (uint32_t x = 0; x + block_w <= pixels->width; x += block_w) {
                        float sum = 0;
                        for (uint32_t i = 0; i < block_w * block_h; i++) {
                                const uint8_t *p =
                                        rgba + ((size_t)(y + i / block_w) * pixels->width + x + i % block_w) * 4;
                                sum += times(row, (float[]){p[0], p[1], p[2]});
                        }
                        ret[pixels->component[c].offset + y / block_h * pixels->component[c].stride +
                            x / block_w * pixels->component[c].step] = to_byte(sum / (block_w * block_h));
                }
}

void pixels_pack(const struct gpu_pixels *pixels, const uint8_t *rgba, uint8_t *ret)
{
        float rows[3][4];

        gpu_pixels_from_rgb(pixels, rows);
        memset(ret, 0, pixels->size); /* bytes between the rows */
        for (unsigned c = 0; c < 3; c++)
                if (pixels->component[c].step > 0)
                        pack_component(pixels, c, rows[c], rgba, ret);
}

static float sample(const struct gpu_pixels *pixels, unsigned c, const uint8_t *bytes, uint32_t x, uint32_t y)
{
        return bytes[pixels->component[c].offset + (y >> pixels->component[c].shift_y) * pixels->component[c].stride +
                     (x >> pixels->component[c].shift_x) * pixels->component[c].step];
}

void pixels_unpack(const struct gpu_pixels *pixels, const uint8_t *bytes, uint8_t *rgba)
{
        float rows[3][4];

        gpu_pixels_to_rgb(pixels, rows);
        for (uint32_t y = 0; y < pixels->height; y++)
                for (uint32_t x = 0; x < pixels->width; x++, rgba += 4) {
                        float value[3] = {0};
                        for (unsigned c = 0; c < 3; c++)
                                if (pixels->component[c].step > 0)
                                        value[c] = sample(pixels, c, bytes, x, y);
                        for (unsigned c = 0; c < 3; c++)
                                rgba[c] = to_byte(times(rows[c], value));
                        rgba[3] = 255;
                }
}
