#include "shaders/ops/operand.h"

int op_gram(struct gpu_program *program, const struct gpu_map *a, const struct gpu_map *b, const struct gpu_map *out)
{
        struct {
                int32_t pixels, a_groups, b_groups;
                struct map_params a, b, result;
        } push = {map_pixels(a), map_groups(a), map_groups(b), push_map(a), push_map(b), push_map(out)};
        const uint32_t across = program->gpu->backend == GPU_BACKEND_LANE ? 8 : 32; /* gram.comp's local size */

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = KERNEL_GRAM,
                                        .operands = {map_operand(a), map_operand(b), [4] = map_operand(out)},
                                        .push = &push,
                                        .push_size = sizeof push,
                                        .groups = {divide_up(map_groups(b), across), divide_up(map_groups(a), 4), 1},
                                        .cost = 4.0 * map_pixels(a) * a->channels * b->channels,
                                });
}

int op_softmax(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out)
{
        struct {
                int32_t pixels, groups;
                struct map_params source, result;
        } push = {map_pixels(in), map_groups(in), push_map(in), push_map(out)};

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = KERNEL_SOFTMAX,
                                                 .operands = {map_operand(in), [4] = map_operand(out)},
                                                 .push = &push,
                                                 .push_size = sizeof push,
                                                 .groups = {divide_up(map_pixels(in), 64), 1, 1},
                                                 .cost = 50.0 * map_pixels(in) * in->channels,
                                         });
}

/* `block`: 32 for a map, 8 for the rows of weights. */
static int transpose(struct gpu_program *program, const struct gpu_map *in, const struct operand *out,
                     struct map_params map, uint32_t block)
{
        struct {
                int32_t channels, pixels, block;
                struct map_params source, result;
        } push = {in->channels, map_pixels(in), block, push_map(in), map};

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = KERNEL_TRANSPOSE,
                                        .operands = {map_operand(in), [4] = *out},
                                        .push = &push,
                                        .push_size = sizeof push,
                                        .groups = {divide_up(in->channels, 64), divide_up(map_pixels(in), 4), 1},
                                        .cost = 10.0 * map_pixels(in) * in->channels,
                                });
}

int op_transpose(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out)
{
        struct operand operand = map_operand(out);

        return transpose(program, in, &operand, push_map(out), 32);
}

static struct gpu_conv matmul_conv(uint32_t m, uint32_t k, uint32_t height, uint32_t width)
{
        return (struct gpu_conv){.in = k,
                                 .out = m,
                                 .kernel = 1,
                                 .stride = 1,
                                 .dilation = 1,
                                 .height = height,
                                 .width = width,
                                 .dtype = GPU_F32};
}

uint64_t gpu_matmul_workspace_size(const struct gpu *gpu, uint32_t m, uint32_t k)
{
        struct gpu_conv conv = matmul_conv(m, k, 1, 1);

        return gpu_conv_weights_size(gpu, &conv);
}

int op_matmul(struct gpu_program *program, const struct gpu_map *matrix, const struct gpu_map *x,
              const struct gpu_map *out, struct gpu_buffer *workspace, uint64_t workspace_offset)
{
        const uint32_t k = x->channels;
        struct op_conv conv = {
                .conv = matmul_conv(out->channels, k, x->height, x->width),
                .in = *x,
                .out = *out,
                .weights = workspace,
                .weights_offset = workspace_offset,
                .scale = 1,
                .activation = GPU_LINEAR,
                .unbiased = true,
        };
        struct operand rows = {workspace, workspace_offset, align_up(out->channels, 32) * k * sizeof(float),
                               FORMAT_F32};

        int r = transpose(program, matrix, &rows, (struct map_params){0, k / 4}, 8);
        return r < 0 ? r : op_conv(program, &conv);
}
