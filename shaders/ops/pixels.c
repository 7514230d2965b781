#include <stdlib.h>
#include <string.h>

#include "shaders/glsl/pack.kernel.h"
#include "shaders/glsl/pack_bytes.kernel.h"
#include "shaders/glsl/picture-params.h"
#include "shaders/glsl/unpack.kernel.h"
#include "shaders/image.h"
#include "shaders/ops/operand.h"

/* A frame's layout as kernels expect it; see layout.glsl. */
struct layout {
        int32_t components[3]; /* constants */
        struct plane_params planes[3];
        bool words; /* every row of every plane begins at a word */
        uint64_t end;
        uint32_t blocks; /* of pixels that a row has room for */
        uint32_t rows;   /* of the picture that share one of a plane, at most */
};

/* Interleaved components have the same rows, less than a step apart.  Those without a step are absent. */
static bool same_plane(const struct gpu_pixels *pixels, int a, int b)
{
        const typeof(pixels->component[0]) *c = pixels->component;
        const long step = c[a].step > c[b].step ? c[a].step : c[b].step;

        return c[a].step && c[b].step && c[a].stride == c[b].stride &&
               labs((long)c[a].offset - (long)c[b].offset) < step;
}

/* Of the components that share its plane, the one at its beginning. */
static int leader(const struct gpu_pixels *pixels, int component)
{
        int first = component;

        for (int k = 0; k < 3; k++)
                if (same_plane(pixels, component, k) && pixels->component[k].offset < pixels->component[first].offset)
                        first = k;
        return first;
}

/* Planes are numbered by their offsets. */
static int plane_of(const struct gpu_pixels *pixels, int component)
{
        const uint32_t offset = pixels->component[leader(pixels, component)].offset;
        int before = 0;

        for (int k = 0; k < 3; k++)
                before += pixels->component[k].step && leader(pixels, k) == k && pixels->component[k].offset < offset;
        return before;
}

static void add_plane(const struct gpu_pixels *pixels, int first, struct layout *layout)
{
        const typeof(pixels->component[0]) *c = &pixels->component[first];
        const uint64_t end = c->offset + (uint64_t)c->stride * divide_up(pixels->height, 1 << c->shift_y);
        const uint32_t blocks = divide_up(c->stride, (BLOCK >> c->shift_x) * c->step);

        layout->planes[plane_of(pixels, first)] = (struct plane_params){c->offset, c->stride};
        layout->words &= c->offset % 4 == 0 && c->stride % 4 == 0;
        layout->end = end > layout->end ? end : layout->end;
        layout->rows = 1u << c->shift_y > layout->rows ? 1u << c->shift_y : layout->rows;
        layout->blocks = blocks > layout->blocks ? blocks : layout->blocks;
}

static int make_layout(const struct gpu_pixels *pixels, struct layout *ret)
{
        *ret = (struct layout){.words = true};
        for (int i = 0; i < 3; i++)
                ret->planes[i] = (struct plane_params){.offset = INT32_MAX, .stride = 1};
        for (int k = 0; k < 3; k++) {
                const typeof(pixels->component[0]) *c = &pixels->component[k];
                if (!c->step)
                        continue;
                const int first = leader(pixels, k);
                if (c->step > 4 || !c->stride || c->shift_x > 1 || c->shift_y > 1)
                        return -EINVAL;
                if (first == k)
                        add_plane(pixels, k, ret);
                ret->components[k] =
                        (int32_t)(c->step | (c->offset - pixels->component[first].offset) << COMPONENT_FIRST |
                                  (uint32_t)plane_of(pixels, k) << COMPONENT_PLANE | c->shift_x << COMPONENT_SHIFT_X |
                                  c->shift_y << COMPONENT_SHIFT_Y | (first == k) << COMPONENT_LEADS);
        }
        return ret->rows ? 0 : -EINVAL;
}

/* From numbers between 0 and 1 to bytes. */
static void scale_rows(float rows[3][4])
{
        for (int i = 0; i < 3; i++)
                rows[i][3] *= 255;
}

static struct operand bytes_operand(struct gpu_buffer *bytes, const struct gpu_pixels *pixels)
{
        return (struct operand){bytes, 0, align_up(pixels->size, 4), FORMAT_WORD};
}

int op_unpack(struct gpu_program *program, struct gpu_buffer *bytes, const struct gpu_pixels *pixels,
              const struct gpu_image *out)
{
        int32_t kind;
        struct unpack_params params = {
                .bytes = pixels->size,
                .size = {out->width, out->height},
                .source_size = {pixels->width, pixels->height},
        };
        struct layout layout;

        int r = make_layout(pixels, &layout);
        if (r < 0)
                return program_fail(program, r);
        if (out->width != pixels->width || out->height != pixels->height)
                kind = UNPACK_SCALED;
        else
                kind = layout.words && layout.end <= pixels->size && out->width % BLOCK == 0 ? UNPACK_WHOLE
                                                                                             : UNPACK_ANY;
        memcpy(params.planes, layout.planes, sizeof params.planes);
        gpu_pixels_to_rgb(pixels, params.rows);
        scale_rows(params.rows);
        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_unpack,
                                        .constants = {[LAYOUT_COMPONENTS] = layout.components[0],
                                                      layout.components[1],
                                                      layout.components[2],
                                                      [UNPACK_KIND] = kind},
                                        .operands = {bytes_operand(bytes, pixels), [RESULT] = image_words(out)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {divide_up(out->width, BLOCK * WORKGROUP_SIDE),
                                                   divide_up(out->height, WORKGROUP_SIDE), 1},
                                        .cost = 40.0 * out->width * out->height,
                                });
}

int op_pack(struct gpu_program *program, const struct gpu_image *in, const struct gpu_pixels *pixels,
            struct gpu_buffer *bytes)
{
        struct pack_params params = {.size = {in->width, in->height}, .bytes = pixels->size};
        struct layout layout;

        int r = make_layout(pixels, &layout);
        if (r < 0)
                return program_fail(program, r);
        memcpy(params.planes, layout.planes, sizeof params.planes);
        gpu_pixels_from_rgb(pixels, params.rows);
        scale_rows(params.rows);
        struct operand image = image_words(in);
        struct dispatch dispatch = {
                .constants = {[LAYOUT_COMPONENTS] = layout.components[0], layout.components[1], layout.components[2]},
                .push = &params,
                .push_size = sizeof params,
        };
        /* By blocks, if no pixels and no bytes are left over. */
        if (layout.words && in->width % BLOCK == 0 && layout.end == pixels->size) {
                const uint32_t groups[3] = {divide_up(layout.blocks, WORKGROUP_SIDE),
                                            divide_up(in->height, WORKGROUP_SIDE * layout.rows), 1};
                dispatch.kernel = &kernel_pack;
                dispatch.cost = 40.0 * in->width * in->height;
                memcpy(dispatch.groups, groups, sizeof groups);
        } else {
                const uint32_t groups[3] = {LINEAR_GROUPS(divide_up(pixels->size, 4))};
                image.format = FORMAT_WORD;
                dispatch.kernel = &kernel_pack_bytes;
                dispatch.cost = 200.0 * in->width * in->height;
                memcpy(dispatch.groups, groups, sizeof groups);
        }
        dispatch.operands[0] = image;
        dispatch.operands[RESULT] = bytes_operand(bytes, pixels);
        return program_dispatch(program, &dispatch);
}
