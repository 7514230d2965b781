#include <string.h>

#include "shaders/ops/conv.h"

/* Padded to a multiple of what a workgroup of conv_subgroup covers, so that it needs no bounds check. */
uint64_t conv_rows(const struct gpu_conv *conv)
{
        return align_up(conv->out, 32);
}

uint64_t conv_matrix_size(const struct gpu_conv *conv, uint32_t taps)
{
        return align_up(conv_rows(conv) * taps * conv->in * (conv->dtype == GPU_F16 ? 2 : 4), 256);
}

uint64_t conv_weights_size(const struct gpu_conv *conv, uint32_t taps)
{
        return conv_matrix_size(conv, taps) + conv_rows(conv) * sizeof(float);
}

bool conv_fits_subgroup(const struct gpu_caps *caps, const struct gpu_conv *conv, uint32_t taps)
{
        /* Maps have to fit in texel buffers too: 2^23 elements are enough for every map of a network that this program
         * takes. */
        return (caps->subgroup == SUBGROUP || caps_can_ask_for(caps, SUBGROUP)) && caps->shuffle && caps->int64 &&
               caps->texel_elements >= 1 << 23 && conv_rows(conv) * taps * conv->in / 4 <= caps->texel_elements;
}

void conv_pack_bias(const struct gpu_conv *conv, uint32_t taps, const float *bias, void *ret)
{
        memcpy((char *)ret + conv_matrix_size(conv, taps), bias, conv->out * sizeof *bias);
}

struct operand conv_matrix(const struct op_conv *op, uint32_t taps)
{
        return (struct operand){op->weights, op->weights_offset, conv_matrix_size(&op->conv, taps),
                                format_of(op->conv.dtype)};
}

struct operand conv_bias(const struct op_conv *op, uint32_t taps)
{
        if (op->unbiased)
                return conv_matrix(op, taps);
        return (struct operand){op->weights, op->weights_offset + conv_matrix_size(&op->conv, taps),
                                conv_rows(&op->conv) * sizeof(float), FORMAT_F32};
}

struct operand conv_residual(const struct op_conv *op, uint32_t taps)
{
        return op->residual ? map_operand(op->residual) : conv_bias(op, taps);
}

struct epilogue_params conv_epilogue(const struct op_conv *op)
{
        return (struct epilogue_params){
                .activation = push_activation(op->activation),
                .scale = op->scale,
                .final_slope = op->relu ? 0 : 1,
        };
}
