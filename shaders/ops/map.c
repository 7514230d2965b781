#include <string.h>

#include "shaders/glsl/network-params.h"
#include "shaders/ops/operand.h"

/* Weights and bias of a group of 4 channels side by side: depthwise.comp. */
uint64_t gpu_depthwise_weights_size(uint32_t channels, uint32_t kernel)
{
        return (uint64_t)divide_up(channels, 4) * (kernel * kernel + 1) * 4 * sizeof(float);
}

void gpu_depthwise_weights_pack(uint32_t channels, uint32_t kernel, const float *weights, const float *bias, void *ret)
{
        const uint32_t taps = kernel * kernel;
        float *out = ret;

        memset(ret, 0, gpu_depthwise_weights_size(channels, kernel));
        for (uint32_t c = 0; c < channels; c++) {
                float *group = out + (size_t)(c / 4) * (taps + 1) * 4 + c % 4;

                for (uint32_t tap = 0; tap < taps; tap++)
                        group[tap * 4] = weights[c * taps + tap];
                group[taps * 4] = bias[c];
        }
}

int op_depthwise(struct gpu_program *program, const struct op_depthwise *op)
{
        const struct gpu_map *in = &op->in, *out = &op->out;
        const bool tiled = op->dilation == 1;
        const uint32_t tiles = divide_up(out->width, tiled ? 4 : 1) * divide_up(out->height, tiled ? 2 : 1);
        struct depthwise_params params = {
                .height = in->height,
                .width = in->width,
                .out_height = out->height,
                .out_width = out->width,
                .dilation = op->dilation,
                .activation = push_activation(op->activation),
                .source = push_map(in),
                .result = push_map(out),
        };

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = KERNEL_DEPTHWISE,
                                        .constants = {op->kernel, op->stride, tiled},
                                        .operands = {map_operand(in),
                                                     {op->weights, op->weights_offset,
                                                      gpu_depthwise_weights_size(in->channels, op->kernel), FORMAT_F32},
                                                     [4] = map_operand(out)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {divide_up(tiles, 64), map_groups(out), 1},
                                        .cost = 2.0 * op->kernel * op->kernel * map_pixels(out) * out->channels,
                                });
}

int op_maxpool(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out)
{
        struct {
                int32_t height, width, out_width, out_pixels;
                struct map_params source, result;
        } push = {in->height, in->width, out->width, map_pixels(out), push_map(in), push_map(out)};

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = KERNEL_MAXPOOL,
                                                 .operands = {map_operand(in), [4] = map_operand(out)},
                                                 .push = &push,
                                                 .push_size = sizeof push,
                                                 .groups = {divide_up(map_pixels(out), 64), map_groups(out), 1},
                                                 .cost = 18.0 * map_pixels(out) * out->channels,
                                         });
}

int op_upsample(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out)
{
        struct {
                struct push_size size, source_size;
                struct map_params source, result;
        } push = {{out->width, out->height}, {in->width, in->height}, push_map(in), push_map(out)};

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = KERNEL_UPSAMPLE,
                                                 .operands = {map_operand(in), [4] = map_operand(out)},
                                                 .push = &push,
                                                 .push_size = sizeof push,
                                                 .groups = {divide_up(map_pixels(out), 64), map_groups(out), 1},
                                                 .cost = 8.0 * map_pixels(out) * out->channels,
                                         });
}

int op_gate(struct gpu_program *program, const struct gpu_map *x, const struct gpu_map *gate, const struct gpu_map *out)
{
        struct {
                struct push_size size, gate_size;
                struct map_params source, gate, result;
        } push = {{out->width, out->height}, {gate->width, gate->height}, push_map(x), push_map(gate), push_map(out)};

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = KERNEL_GATE,
                                        .operands = {map_operand(x), map_operand(gate), [4] = map_operand(out)},
                                        .push = &push,
                                        .push_size = sizeof push,
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
                                                 .kernel = KERNEL_CROP,
                                                 .operands = {image_operand(in), [4] = map_operand(out)},
                                                 .push = &push,
                                                 .push_size = sizeof push,
                                                 .groups = {divide_up(out->width, 64), out->height, 1},
                                                 .cost = 64.0 * map_pixels(out),
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
                                        .kernel = KERNEL_ARGMAX,
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
                                                 .kernel = KERNEL_UNCROP,
                                                 .operands = {labels_operand(in), [4] = labels_operand(out)},
                                                 .push = &push,
                                                 .push_size = sizeof push,
                                                 .groups = {LINEAR_GROUPS(words)},
                                                 .cost = 64.0 * words,
                                         });
}
