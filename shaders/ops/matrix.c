#include "shaders/glsl/gram.kernel.h"
#include "shaders/glsl/softmax.kernel.h"
#include "shaders/glsl/transpose.kernel.h"
#include "shaders/ops/conv.h"

int op_gram(struct gpu_program *program, const struct gpu_map *a, const struct gpu_map *b, const struct gpu_map *out)
{
        struct gram_params params = {
                .pixels = map_pixels(a),
                .a_groups = map_groups(a),
                .b_groups = map_groups(b),
                .a = push_map(a),
                .b = push_map(b),
                .result = push_map(out),
        };
        const bool texels = program->gpu->reading == READ_TEXELS;
        const uint32_t across = texels ? SUBGROUP : GRAM_WORKGROUP;
        const uint32_t rows = texels ? GRAM_ROWS_TEXELS : GRAM_ROWS_BUFFERS;

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_gram,
                                        .operands = {map_operand(a), map_operand(b), [RESULT] = map_operand(out)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {divide_up(map_groups(b), across), divide_up(map_groups(a), rows), 1},
                                        .cost = 4.0 * map_pixels(a) * a->channels * b->channels,
                                });
}

int op_softmax(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out)
{
        struct softmax_params params = {
                .pixels = map_pixels(in),
                .groups = map_groups(in),
                .source = push_map(in),
                .result = push_map(out),
        };

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_softmax,
                                                 .operands = {map_operand(in), [RESULT] = map_operand(out)},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {divide_up(map_pixels(in), WORKGROUP), 1, 1},
                                                 .cost = 50.0 * map_pixels(in) * in->channels,
                                         });
}

/* `block`: 32 for a map, 8 for the rows of weights. */
static int transpose(struct gpu_program *program, const struct gpu_map *in, const struct operand *out,
                     struct map_params map, uint32_t block)
{
        struct transpose_params params = {
                .channels = in->channels,
                .pixels = map_pixels(in),
                .block = block,
                .source = push_map(in),
                .result = map,
        };

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_transpose,
                                        .operands = {map_operand(in), [RESULT] = *out},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {divide_up(in->channels, WORKGROUP), divide_up(map_pixels(in), 4), 1},
                                        .cost = 10.0 * map_pixels(in) * in->channels,
                                });
}

int op_transpose(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out)
{
        struct operand operand = map_operand(out);

        return transpose(program, in, &operand, push_map(out), 32);
}

/* The matrix lies as the weights of a direct 1x1 convolution do, without a bias. */
static struct gpu_conv matmul_conv(const struct gpu *gpu, uint32_t m, uint32_t k)
{
        return (struct gpu_conv){.in = k,
                                 .out = m,
                                 .kernel = 1,
                                 .stride = 1,
                                 .dilation = 1,
                                 .dtype = GPU_F32,
                                 .algorithm = conv_direct(gpu)};
}

uint64_t gpu_matmul_workspace_size(const struct gpu *gpu, uint32_t m, uint32_t k)
{
        struct gpu_conv conv = matmul_conv(gpu, m, k);

        return gpu_conv_weights_size(&conv);
}

int op_matmul(struct gpu_program *program, const struct gpu_map *matrix, const struct gpu_map *x,
              const struct gpu_map *out, struct gpu_buffer *workspace, uint64_t workspace_offset)
{
        const uint32_t k = x->channels;
        struct op_conv conv = {
                .conv = matmul_conv(program->gpu, out->channels, k),
                .in = *x,
                .out = *out,
                .weights = workspace,
                .weights_offset = workspace_offset,
                .scale = 1,
                .activation = GPU_LINEAR,
                .unbiased = true,
        };
        struct operand rows = {workspace, workspace_offset, conv_rows(&conv.conv) * k * sizeof(float), FORMAT_F32};

        int r = transpose(program, matrix, &rows, (struct map_params){0, k / 4}, 8);
        return r < 0 ? r : op_conv(program, &conv);
}
