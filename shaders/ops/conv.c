/* The convolution algorithms.  Calls for a layer go to the algorithm in its gpu_conv. */
#include <errno.h>
#include <string.h>

#include "shaders/ops/conv.h"

const struct conv_algorithm *const conv_algorithms[] = {
        &conv_subgroup_winograd,
        &conv_subgroup_expand,
        &conv_subgroup,
        &conv_cooperative,
        &conv_tiled_winograd,
        &conv_tiled_packed,
        &conv_tiled,
        &conv_tiled_split,
        &conv_tiled_packed_small,
        &conv_tiled_small,
        &conv_depthwise_block,
        &conv_depthwise_pixel,
        NULL,
};
_Static_assert(sizeof conv_algorithms / sizeof *conv_algorithms - 1 <= CONV_CANDIDATES,
               "there is room for all of them");

const struct conv_algorithm *conv_direct(const struct gpu *gpu)
{
        return gpu->backend == GPU_BACKEND_SUBGROUP ? &conv_subgroup : &conv_tiled_small;
}

const char *gpu_conv_algorithm(const struct gpu_conv *conv)
{
        return conv->algorithm->name;
}

uint64_t gpu_conv_weights_size(const struct gpu_conv *conv)
{
        return conv->algorithm->weights_size(conv);
}

uint64_t gpu_conv_workspace_size(const struct gpu_conv *conv)
{
        return conv->algorithm->workspace_size ? conv->algorithm->workspace_size(conv) : 0;
}

void gpu_conv_weights_pack(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias, void *ret)
{
        memset(ret, 0, gpu_conv_weights_size(conv));
        conv->algorithm->pack(conv, in, weights, bias, ret);
}

int op_conv(struct gpu_program *program, const struct op_conv *op)
{
        if (!op->residual && (op->scale != 1 || op->relu))
                return program_fail(program, -EINVAL);
        return op->conv.algorithm->record(program, op);
}
