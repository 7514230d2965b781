#include "shaders/glsl/gate.kernel.h"
#include "shaders/glsl/maxpool.kernel.h"
#include "shaders/glsl/network-params.h"
#include "shaders/glsl/upsample.kernel.h"
#include "shaders/ops/operand.h"

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
                                                 .operands = {map_operand(in), [RESULT] = map_operand(out)},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {divide_up(map_pixels(out), WORKGROUP), map_groups(out), 1},
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
                                                 .operands = {map_operand(in), [RESULT] = map_operand(out)},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {divide_up(map_pixels(out), WORKGROUP), map_groups(out), 1},
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
                                        .operands = {map_operand(x), map_operand(gate), [RESULT] = map_operand(out)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {divide_up(map_pixels(out), WORKGROUP), map_groups(out), 1},
                                        .cost = 10.0 * map_pixels(out) * out->channels,
                                });
}
