#include "shaders/ops/conv.h"
#include "shaders/ops/tiling.h"

bool conv_uses_winograd(const struct gpu *gpu, const struct gpu_conv *conv)
{
        /* In 32 bits only: the transformed values span too wide a range for halves. */
        return gpu->backend == GPU_BACKEND_LANE && conv->dtype == GPU_F32 && conv->kernel == 3 && conv->stride == 1 &&
               winograd_pays(conv);
}

uint32_t conv_taps(const struct gpu *gpu, const struct gpu_conv *conv)
{
        return conv_uses_winograd(gpu, conv) ? POINTS : conv->kernel * conv->kernel;
}

/* Output channels are padded to what a workgroup of conv_lane covers, so that it needs no check. */
uint64_t conv_rows(const struct gpu_conv *conv)
{
        return align_up(conv->out, 32);
}

static uint64_t element_size(const struct gpu_conv *conv)
{
        return conv->dtype == GPU_F16 ? 2 : 4;
}

uint64_t conv_matrix_size(const struct gpu *gpu, const struct gpu_conv *conv)
{
        return align_up(conv_rows(conv) * conv_taps(gpu, conv) * conv->in * element_size(conv), 256);
}

struct operand conv_matrix(const struct gpu *gpu, const struct op_conv *op)
{
        return (struct operand){op->weights, op->weights_offset, conv_matrix_size(gpu, &op->conv),
                                format_of(op->conv.dtype)};
}

/* Operands that a kernel names must be bound even where it does not read them: the weights stand in. */
struct operand conv_bias(const struct gpu *gpu, const struct op_conv *op)
{
        if (op->unbiased)
                return conv_matrix(gpu, op);
        return (struct operand){op->weights, op->weights_offset + conv_matrix_size(gpu, &op->conv),
                                conv_rows(&op->conv) * sizeof(float), FORMAT_F32};
}

struct operand conv_residual(const struct gpu *gpu, const struct op_conv *op)
{
        return op->residual ? map_operand(op->residual) : conv_bias(gpu, op);
}

struct push_epilogue conv_epilogue(const struct op_conv *op)
{
        return (struct push_epilogue){!op->unbiased, op->residual != NULL, push_activation(op->activation), op->scale,
                                      op->relu ? 0 : 1};
}

int conv_dispatch(struct gpu_program *program, const struct conv_dispatch *d)
{
        const bool lane = program->gpu->backend == GPU_BACKEND_LANE;
        const uint32_t channels = d->push.out_groups * 4, pixels = d->push.out_pixels;

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = lane ? KERNEL_CONV_LANE : KERNEL_CONV_TILE,
                                                 .constants = {d->taps, d->pointwise, d->push.groups % 2 ? 1 : 2},
                                                 .operands = {d->source, d->matrix, d->bias, d->residual, d->result},
                                                 .push = &d->push,
                                                 .push_size = sizeof d->push,
                                                 .groups = {divide_up(channels, lane ? 32 : 64),
                                                            divide_up(pixels, lane ? 32 : 64), d->batch},
                                                 .cost = 4.0 * d->push.groups * d->taps * channels * pixels * d->batch,
                                         });
}
