/* Chooses the algorithm of a convolution, once for each layer; its gpu_conv then keeps it. */
#include <string.h>

#include "shaders/ops/conv.h"

const struct conv_algorithm *const conv_algorithms[] = {
        &conv_winograd,        &conv_subgroup,        &conv_tiled, &conv_tiled_small,
        &conv_depthwise_block, &conv_depthwise_pixel, NULL,
};

/* The first one in the table that fits and pays, of all or of those that suit `backend`. */
static const struct conv_algorithm *first(const struct gpu_caps *caps, enum gpu_backend backend,
                                          const struct gpu_conv *conv)
{
        for (const struct conv_algorithm *const *i = conv_algorithms; *i; i++) {
                const struct conv_algorithm *a = *i;
                if ((backend == GPU_BACKEND_AUTO || a->backend == GPU_BACKEND_AUTO || a->backend == backend) &&
                    a->fits(caps, conv) && (!a->pays || a->pays(conv)))
                        return a;
        }
        return NULL;
}

const struct conv_algorithm *conv_choose(const struct gpu_caps *caps, enum gpu_backend backend,
                                         const struct gpu_conv *conv)
{
        const struct conv_algorithm *best = first(caps, backend, conv);

        return best ? best : first(caps, GPU_BACKEND_AUTO, conv);
}

const struct conv_algorithm *conv_direct(const struct gpu *gpu)
{
        return gpu->backend == GPU_BACKEND_SUBGROUP ? &conv_subgroup : &conv_tiled_small;
}

int gpu_conv_choose(const struct gpu *gpu, struct gpu_conv *conv)
{
        conv->algorithm = conv_choose(&gpu->caps, gpu->backend, conv);
        return conv->algorithm ? 0 : -ENOTSUP;
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
        return op->conv.algorithm->record(program, op);
}
