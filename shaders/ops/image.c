#include <math.h>
#include <stdlib.h>

#include "shaders/glsl/picture-params.h"
#include "shaders/image.h"
#include "shaders/ops/operand.h"

#include "blur.kernel.h"
#include "pack.kernel.h"
#include "paint.kernel.h"
#include "unpack.kernel.h"

static void push_components(const struct gpu_pixels *pixels, struct component_params ret[3])
{
        for (int i = 0; i < 3; i++) {
                const typeof(pixels->component[0]) *c = &pixels->component[i];
                ret[i] = (struct component_params){c->offset, c->stride, c->step, c->shift_x | c->shift_y << 16};
        }
}

int op_unpack(struct gpu_program *program, struct gpu_buffer *bytes, const struct gpu_pixels *pixels,
              const struct gpu_image *out)
{
        struct unpack_params params = {.size = {out->width, out->height},
                                       .source_size = {pixels->width, pixels->height}};

        push_components(pixels, params.components);
        gpu_pixels_to_rgb(pixels, params.rows);
        return program_dispatch(
                program,
                &(struct dispatch){
                        .kernel = &kernel_unpack,
                        .operands = {{bytes, 0, align_up(pixels->size, 4), FORMAT_U8}, [4] = image_operand(out)},
                        .push = &params,
                        .push_size = sizeof params,
                        .groups = {divide_up(out->width, 64), out->height, 1},
                        .cost = 200.0 * out->width * out->height,
                });
}

/* Interleaved components have the same rows, less than a step apart.  Those without a step are absent. */
static bool same_plane(const struct gpu_pixels *pixels, int a, int b)
{
        const typeof(pixels->component[0]) *c = pixels->component;
        const long step = c[a].step > c[b].step ? c[a].step : c[b].step;

        return c[a].step && c[b].step && c[a].stride == c[b].stride &&
               labs((long)c[a].offset - (long)c[b].offset) < step;
}

/* The plane that begins with component `first`. */
static int make_plane(const struct gpu_pixels *pixels, int first, struct plane_params *ret)
{
        const typeof(pixels->component[0]) *base = &pixels->component[first];
        uint32_t unit = base->step;

        if (!base->step || !base->stride)
                return -EINVAL;
        *ret = (struct plane_params){.offset = base->offset, .stride = base->stride};
        for (int k = 0; k < 3; k++)
                if (same_plane(pixels, first, k) && pixels->component[k].step > unit)
                        unit = pixels->component[k].step;
        if (unit > 4)
                return -EINVAL;
        ret->shape = base->shift_y | unit << 8 | (unit / base->step << base->shift_x) << 16;
        for (int k = 0; k < 3; k++) {
                const typeof(*base) *c = &pixels->component[k];
                for (uint32_t byte = c->offset - base->offset; same_plane(pixels, first, k) && byte < unit;
                     byte += c->step)
                        ret->pattern |= (k | (byte / c->step << c->shift_x) << 2) << 8 * byte;
        }
        return 0;
}

/* In the order of their offsets; returns how many there are. */
static int make_planes(const struct gpu_pixels *pixels, struct plane_params ret[3])
{
        uint32_t from = 0;
        int count = 0;

        while (count < 3) {
                int next = -1;
                for (int k = 0; k < 3; k++)
                        if (pixels->component[k].offset >= from &&
                            (next < 0 || pixels->component[k].offset < pixels->component[next].offset))
                                next = k;
                if (next < 0)
                        break;
                int r = make_plane(pixels, next, &ret[count]);
                if (r < 0)
                        return r;
                for (int k = 0; k < 3; k++)
                        if (same_plane(pixels, next, k) && pixels->component[k].offset >= from)
                                from = pixels->component[k].offset + 1;
                count++;
        }
        return count;
}

int op_pack(struct gpu_program *program, const struct gpu_image *in, const struct gpu_pixels *pixels,
            struct gpu_buffer *bytes)
{
        struct pack_params params = {.size = {in->width, in->height}, .words = divide_up(pixels->size, 4)};

        int count = make_planes(pixels, params.planes);
        if (count < 0)
                return program_fail(program, count);
        for (; count < 3; count++)
                params.planes[count] = (struct plane_params){.offset = INT32_MAX, .stride = 1};
        for (int k = 0; k < 3; k++)
                params.shifts |= (pixels->component[k].shift_x | pixels->component[k].shift_y << 4) << 8 * k;
        gpu_pixels_from_rgb(pixels, params.rows);
        return program_dispatch(
                program,
                &(struct dispatch){
                        .kernel = &kernel_pack,
                        .operands = {image_operand(in), [4] = {bytes, 0, align_up(pixels->size, 4), FORMAT_U8}},
                        .push = &params,
                        .push_size = sizeof params,
                        .groups = {LINEAR_GROUPS(params.words)},
                        .cost = 200.0 * in->width * in->height,
                });
}

struct gpu_blur gpu_blur_make(float sigma, bool everywhere)
{
        return (struct gpu_blur){ceilf(2.5f * sigma), -0.5f / (sigma * sigma), everywhere, 0};
}

int op_blur_background(struct gpu_program *program, const struct gpu_image *in, const struct gpu_labels *labels,
                       const struct gpu_block *blur, float sigma_most, const struct gpu_image *scratch,
                       const struct gpu_image *out)
{
        const struct effect_params params = {{in->width, in->height}};
        int r = 0;

        for (int down = 0; down < 2 && r == 0; down++)
                r = program_dispatch(program, &(struct dispatch){
                                                      .kernel = &kernel_blur,
                                                      .constants = {down},
                                                      .operands = {image_operand(in), labels_operand(labels),
                                                                   image_operand(down ? scratch : in),
                                                                   block_operand(blur, sizeof(struct gpu_blur)),
                                                                   [4] = image_operand(down ? out : scratch)},
                                                      .push = &params,
                                                      .push_size = sizeof params,
                                                      .groups = {divide_up(in->width, 64), in->height, 1},
                                                      .cost = 250.0 * sigma_most * in->width * in->height,
                                              });
        return r;
}

int op_paint(struct gpu_program *program, const struct gpu_image *in, const struct gpu_labels *labels,
             const struct gpu_block *palette, const struct gpu_image *out)
{
        const struct effect_params params = {{in->width, in->height}};

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_paint,
                                                 .operands = {image_operand(in),
                                                              labels_operand(labels),
                                                              {palette->buffer, palette->offset, 1024, FORMAT_U8},
                                                              [4] = image_operand(out)},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {divide_up(in->width, 64), in->height, 1},
                                                 .cost = 100.0 * in->width * in->height,
                                         });
}

int op_copy(struct gpu_program *program, struct gpu_buffer *from, struct gpu_buffer *to, uint64_t size)
{
        return program_copy(program, from, 0, to, 0, size);
}
