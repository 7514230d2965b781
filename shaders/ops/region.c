#include "shaders/glsl/argmax.kernel.h"
#include "shaders/glsl/crop.kernel.h"
#include "shaders/glsl/picture-params.h"
#include "shaders/glsl/uncrop.kernel.h"
#include "shaders/glsl/warp.kernel.h"
#include "shaders/ops/operand.h"

static struct operand regions_operand(const struct gpu_block *regions, uint32_t count)
{
        return block_operand(regions, count * sizeof(struct gpu_region));
}

static uint32_t label_words(const struct gpu_labels *labels)
{
        return divide_up((uint64_t)labels->width * labels->height, 4);
}

static struct operand layers_operand(const struct gpu_labels *labels, uint32_t count)
{
        struct operand operand = labels_operand(labels);

        operand.size *= count;
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

int op_crop(struct gpu_program *program, const struct gpu_image *in, const struct gpu_block *regions, uint32_t region,
            const struct gpu_normalise *normalise, const struct gpu_map *out)
{
        const float *mean = normalise->mean, *std = normalise->std;
        const struct crop_params params = {
                .size = {out->width, out->height},
                .image_size = {in->width, in->height},
                .region = region,
                .bgr = normalise->bgr,
                .result = push_map(out),
                .mean = {mean[0], mean[1], mean[2]},
                .inverse_std = {1 / std[0], 1 / std[1], 1 / std[2]},
        };

        return program_dispatch(
                program,
                &(struct dispatch){
                        .kernel = &kernel_crop,
                        .operands = {image_operand(in), regions_operand(regions, region + 1), [4] = map_operand(out)},
                        .push = &params,
                        .push_size = sizeof params,
                        .groups = {divide_up(out->width, WORKGROUP), out->height, 1},
                        .cost = 600.0 * map_pixels(out),
                        .whole = true,
                });
}

int op_argmax(struct gpu_program *program, const struct gpu_map *logits, uint32_t classes, const struct gpu_labels *out,
              uint32_t layer)
{
        const uint32_t words = label_words(out);
        const struct argmax_params params = {
                .size = {out->width, out->height},
                .logits_size = {logits->width, logits->height},
                .classes = classes,
                .first = layer * words,
                .logits = push_map(logits),
        };

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_argmax,
                                        .operands = {map_operand(logits), [4] = layers_operand(out, layer + 1)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {LINEAR_GROUPS(words)},
                                        .cost = 20.0 * out->width * out->height * classes,
                                });
}

int op_uncrop(struct gpu_program *program, const struct gpu_labels *in, const struct gpu_block *regions, uint32_t count,
              const struct gpu_labels *out)
{
        const uint32_t words = label_words(out);
        const struct uncrop_params params = {
                .size = {out->width, out->height},
                .labels_size = {in->width, in->height},
                .count = count,
                .layer = label_words(in) * 4,
        };

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_uncrop,
                                        .operands = {layers_operand(in, count),
                                                     regions_operand(regions, count), [4] = labels_operand(out)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {LINEAR_GROUPS(words)},
                                        .cost = 300.0 * words * count,
                                        .whole = true,
                                });
}

int op_warp(struct gpu_program *program, const struct gpu_image *in, const struct gpu_block *region,
            const struct gpu_image *out)
{
        struct warp_params params = {.size = {out->width, out->height}, .image_size = {in->width, in->height}};

        return program_dispatch(
                program, &(struct dispatch){
                                 .kernel = &kernel_warp,
                                 .operands = {image_operand(in), regions_operand(region, 1), [4] = image_operand(out)},
                                 .push = &params,
                                 .push_size = sizeof params,
                                 .groups = {divide_up(out->width, WORKGROUP), out->height, 1},
                                 .cost = 100.0 * out->width * out->height,
                         });
}
