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
