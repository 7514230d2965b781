#include <stddef.h>

#include "shaders/glsl/argmax.kernel.h"
#include "shaders/glsl/crop.kernel.h"
#include "shaders/glsl/part.kernel.h"
#include "shaders/glsl/picture-params.h"
#include "shaders/glsl/place.kernel.h"
#include "shaders/glsl/warp.kernel.h"
#include "shaders/ops/operand.h"

static struct operand region_operand(const struct gpu_block *region)
{
        return block_operand(region, sizeof(struct gpu_region));
}

/* A word an element, or four. */
static struct operand answers_operand(const struct gpu_answers *answers, int format)
{
        const struct gpu_image image = {answers->buffer, answers->width, answers->height};
        struct operand operand = image_words(&image);

        operand.format = format;
        return operand;
}

struct gpu_region gpu_region_make(const float to_picture[2][3])
{
        const float *x = to_picture[0], *y = to_picture[1];
        const float determinant = x[0] * y[1] - x[1] * y[0];

        return (struct gpu_region){
                .to_picture = {{x[0], x[1], x[2]}, {y[0], y[1], y[2]}},
                .from_picture = {{y[1] / determinant, -x[1] / determinant, (x[1] * y[2] - y[1] * x[2]) / determinant},
                                 {-y[0] / determinant, x[0] / determinant, (y[0] * x[2] - x[0] * y[2]) / determinant}},
        };
}

struct gpu_region gpu_region_whole(uint32_t width, uint32_t height, uint32_t net_width, uint32_t net_height)
{
        const float across = (float)width / net_width, down = (float)height / net_height;
        const float scale = across > down ? across : down;
        const float to_picture[2][3] = {
                {scale, 0, 0.5f * (width - net_width * scale)},
                {0, scale, 0.5f * (height - net_height * scale)},
        };

        return gpu_region_make(to_picture);
}

struct gpu_view gpu_view_whole(uint32_t width, uint32_t height, uint32_t net_width, uint32_t net_height)
{
        return (struct gpu_view){
                .region = gpu_region_whole(width, height, net_width, net_height),
                .kept_feather = 1,
        };
}

int op_crop(struct gpu_program *program, const struct gpu_image *in, const struct gpu_block *region,
            const struct gpu_normalise *normalise, const struct gpu_map *out)
{
        const float *mean = normalise->mean, *std = normalise->std;
        const struct crop_params params = {
                .size = {out->width, out->height},
                .image_size = {in->width, in->height},
                .bgr = normalise->bgr,
                .result = push_map(out),
                .mean = {mean[0], mean[1], mean[2]},
                .inverse_std = {1 / std[0], 1 / std[1], 1 / std[2]},
        };

        return program_dispatch(
                program, &(struct dispatch){
                                 .kernel = &kernel_crop,
                                 .operands = {image_operand(in), region_operand(region), [RESULT] = map_operand(out)},
                                 .push = &params,
                                 .push_size = sizeof params,
                                 .groups = {divide_up(out->width, WORKGROUP), out->height, 1},
                                 .cost = 600.0 * map_pixels(out),
                                 .whole = true,
                         });
}

int op_argmax(struct gpu_program *program, const struct gpu_map *logits, uint32_t classes,
              const struct gpu_answers *out)
{
        const struct argmax_params params = {
                .size = {out->width, out->height},
                .logits_size = {logits->width, logits->height},
                .classes = classes,
                .logits = push_map(logits),
        };

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_argmax,
                                        .operands = {map_operand(logits), [RESULT] = answers_operand(out, FORMAT_WORD)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {LINEAR_GROUPS(out->width * out->height)},
                                        .cost = 20.0 * out->width * out->height * classes,
                                });
}

/* The kernel reads a struct gpu_view as vec4; see KEPT and MOVED there. */
_Static_assert(GPU_KEPT_MAX == KEPT_MAX && sizeof(struct gpu_moved) == 32 &&
                       offsetof(struct gpu_view, kept) == 5 * 16 &&
                       offsetof(struct gpu_view, moved) == (5 + 2 * KEPT_MAX + 1) * 16,
               "as in place.comp");

int op_place(struct gpu_program *program, const struct gpu_answers *answers, const struct gpu_block *view,
             const struct gpu_image *image, const struct gpu_answers *before, const struct gpu_answers *map)
{
        const struct place_params params = {
                .size = {map->width, map->height},
                .answers_size = {answers->width, answers->height},
        };

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_place,
                                                 .operands = {answers_operand(answers, FORMAT_WORD),
                                                              block_operand(view, sizeof(struct gpu_view)),
                                                              image_words(image), answers_operand(before, FORMAT_WORDS),
                                                              answers_operand(map, FORMAT_WORDS)},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {LINEAR_GROUPS(image_fours(image))},
                                                 .cost = 100.0 * map->width * map->height,
                                                 .whole = true,
                                         });
}

static int record_part(struct gpu_program *program, const struct gpu_answers *map, int shift, const struct operand *out)
{
        const struct part_params params = {divide_up((uint64_t)map->width * map->height, 4), shift};

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_part,
                                                 .operands = {answers_operand(map, FORMAT_WORDS), [RESULT] = *out},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {LINEAR_GROUPS(params.words)},
                                                 .cost = 10.0 * map->width * map->height,
                                                 .whole = true,
                                         });
}

int op_labels(struct gpu_program *program, const struct gpu_answers *map, const struct gpu_labels *out)
{
        const struct operand operand = labels_words(out);

        return record_part(program, map, 0, &operand);
}

int op_mask(struct gpu_program *program, const struct gpu_answers *map, const struct gpu_mask *out)
{
        const struct operand operand = labels_words(&(struct gpu_labels){out->buffer, out->width, out->height});

        return record_part(program, map, 8, &operand);
}

int op_warp(struct gpu_program *program, const struct gpu_image *in, const struct gpu_block *region,
            const struct gpu_image *out)
{
        struct warp_params params = {.size = {out->width, out->height}, .image_size = {in->width, in->height}};

        return program_dispatch(
                program, &(struct dispatch){
                                 .kernel = &kernel_warp,
                                 .operands = {image_operand(in), region_operand(region), [RESULT] = image_operand(out)},
                                 .push = &params,
                                 .push_size = sizeof params,
                                 .groups = {divide_up(out->width, WORKGROUP), out->height, 1},
                                 .cost = 100.0 * out->width * out->height,
                         });
}
