#include "shaders/glsl/network-params.h"
#include "shaders/ops/operand.h"

#include "argmax.kernel.h"
#include "crop.kernel.h"
#include "gate.kernel.h"
#include "maxpool.kernel.h"
#include "uncrop.kernel.h"
#include "upsample.kernel.h"

int op_maxpool(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out)
{
        struct maxpool_params params = {
                .height = in->height,
                .width = in->width,
                .out_width = out->width,
                .out_pixels = map_pixels(out),
                .source = push_map(in),
                .result = push_map(out),
        };

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_maxpool,
                                                 .operands = {map_operand(in), [4] = map_operand(out)},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {divide_up(map_pixels(out), 64), map_groups(out), 1},
                                                 .cost = 18.0 * map_pixels(out) * out->channels,
                                         });
}

int op_upsample(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out)
{
        struct upsample_params params = {
                .size = {out->width, out->height},
                .source_size = {in->width, in->height},
                .source = push_map(in),
                .result = push_map(out),
        };

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_upsample,
                                                 .operands = {map_operand(in), [4] = map_operand(out)},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {divide_up(map_pixels(out), 64), map_groups(out), 1},
                                                 .cost = 8.0 * map_pixels(out) * out->channels,
                                         });
}

int op_gate(struct gpu_program *program, const struct gpu_map *x, const struct gpu_map *gate, const struct gpu_map *out)
{
        struct gate_params params = {
                .size = {out->width, out->height},
                .gate_size = {gate->width, gate->height},
                .source = push_map(x),
                .gate = push_map(gate),
                .result = push_map(out),
        };

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_gate,
                                        .operands = {map_operand(x), map_operand(gate), [4] = map_operand(out)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {divide_up(map_pixels(out), 64), map_groups(out), 1},
                                        .cost = 10.0 * map_pixels(out) * out->channels,
                                });
}

struct gpu_crop gpu_crop_fit(uint32_t width, uint32_t height, uint32_t net_width, uint32_t net_height)
{
        float across = (float)width / net_width, down = (float)height / net_height;
        float scale = across > down ? across : down;

        return (struct gpu_crop){scale, 0.5f * (width - net_width * scale), 0.5f * (height - net_height * scale)};
}

int op_crop(struct gpu_program *program, const struct gpu_image *in, const struct gpu_crop *crop,
            const struct gpu_normalise *normalise, const struct gpu_map *out)
{
        const float *mean = normalise->mean, *std = normalise->std;
        struct {
                struct push_size size, image_size;
                float shift[2], scale;
                int32_t bgr;
                float mean[4], inverse_std[4];
                struct map_params result;
        } push = {{out->width, out->height},
                  {in->width, in->height},
                  {crop->shift_x, crop->shift_y},
                  crop->scale,
                  normalise->bgr,
                  {mean[0], mean[1], mean[2], 0},
                  {1 / std[0], 1 / std[1], 1 / std[2], 0},
                  push_map(out)};

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_crop,
                                                 .operands = {image_operand(in), [4] = map_operand(out)},
                                                 .push = &push,
                                                 .push_size = sizeof push,
                                                 .groups = {divide_up(out->width, 64), out->height, 1},
                                                 .cost = 64.0 * map_pixels(out),
                                                 .whole = true,
                                         });
}

int op_argmax(struct gpu_program *program, const struct gpu_map *logits, uint32_t classes, const struct gpu_labels *out)
{
        struct {
                struct push_size size, logits_size;
                int32_t classes;
                struct map_params logits;
        } push = {{out->width, out->height}, {logits->width, logits->height}, classes, push_map(logits)};

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_argmax,
                                        .operands = {map_operand(logits), [4] = labels_operand(out)},
                                        .push = &push,
                                        .push_size = sizeof push,
                                        .groups = {LINEAR_GROUPS(divide_up((uint64_t)out->width * out->height, 4))},
                                        .cost = 10.0 * out->width * out->height * classes,
                                });
}

int op_uncrop(struct gpu_program *program, const struct gpu_labels *in, const struct gpu_crop *crop,
              const struct gpu_labels *out)
{
        struct {
                struct push_size size, labels_size;
                float shift[2], scale;
        } push = {{out->width, out->height}, {in->width, in->height}, {crop->shift_x, crop->shift_y}, crop->scale};
        const uint32_t words = divide_up((uint64_t)out->width * out->height, 4);

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_uncrop,
                                                 .operands = {labels_operand(in), [4] = labels_operand(out)},
                                                 .push = &push,
                                                 .push_size = sizeof push,
                                                 .groups = {LINEAR_GROUPS(words)},
                                                 .cost = 64.0 * words,
                                                 .whole = true,
                                         });
}
