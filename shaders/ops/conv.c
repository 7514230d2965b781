#include <string.h>

#include "shaders/ops/conv.h"
#include "shaders/ops/tiling.h"

/* The matrix, then the bias in 32 bits. */
uint64_t gpu_conv_weights_size(const struct gpu *gpu, const struct gpu_conv *conv)
{
        return conv_matrix_size(gpu, conv) + conv_rows(conv) * sizeof(float);
}

/* Rounded to nearest even, as processors and PyTorch do; not every compiler converts by itself.  The magic numbers move
 * the exponent so that the processor's own rounding of 32-bit sums does the work. */
static uint16_t half(float value)
{
        const union {
                uint32_t bits;
                float value;
        } limit = {.bits = 0x477ff000}, tiny = {.bits = 0x38800000}, magic = {.bits = 0x3f000000};
        union {
                float value;
                uint32_t bits;
        } v = {value};
        const uint32_t sign = v.bits & 0x80000000;

        v.bits ^= sign;
        if (v.bits > 0x7f800000)
                v.bits = 0x7e00; /* NaN */
        else if (v.value >= limit.value)
                v.bits = 0x7bff; /* 65520 and more: the largest, for infinity makes NaN of the sums */
        else if (v.value < tiny.value) {
                v.value += magic.value; /* denormal */
                v.bits -= magic.bits;
        } else
                v.bits = (v.bits - 0x38000000 + 0xfff + (v.bits >> 13 & 1)) >> 13;
        return v.bits | sign >> 16;
}

static void put(const struct gpu_conv *conv, void *matrix, uint64_t index, float value)
{
        if (conv->dtype == GPU_F16)
                ((uint16_t *)matrix)[index] = half(value);
        else
                ((float *)matrix)[index] = value;
}

void gpu_conv_weights_pack(const struct gpu *gpu, const struct gpu_conv *conv, uint32_t in, const float *weights,
                           const float *bias, void *ret)
{
        const uint32_t taps = conv->kernel * conv->kernel, groups = conv->in / 4;

        memset(ret, 0, gpu_conv_weights_size(gpu, conv));
        memcpy((char *)ret + conv_matrix_size(gpu, conv), bias, conv->out * sizeof *bias);
        if (conv_uses_winograd(gpu, conv)) {
                winograd_pack(conv, in, weights, ret);
                return;
        }
        /* [out / 8][tap][in / 4][8][4] */
        for (uint32_t o = 0; o < conv->out; o++)
                for (uint32_t i = 0; i < in; i++)
                        for (uint32_t tap = 0; tap < taps; tap++) {
                                uint64_t row = ((uint64_t)(o / 8) * taps + tap) * groups + i / 4;
                                put(conv, ret, (row * 8 + o % 8) * 4 + i % 4,
                                    weights[((uint64_t)o * in + i) * taps + tap]);
                        }
}

uint64_t gpu_conv_workspace_size(const struct gpu *gpu, const struct gpu_conv *conv)
{
        return conv_uses_winograd(gpu, conv) ? winograd_workspace(conv) : 0;
}

static int direct(struct gpu_program *program, const struct op_conv *op)
{
        const struct gpu *gpu = program->gpu;
        const struct gpu_conv *conv = &op->conv;

        return conv_dispatch(program, &(struct conv_dispatch){
                                              .taps = conv->kernel * conv->kernel,
                                              .pointwise = conv->kernel == 1 && conv->stride == 1,
                                              .batch = 1,
                                              .source = map_operand(&op->in),
                                              .matrix = conv_matrix(gpu, op),
                                              .bias = conv_bias(gpu, op),
                                              .residual = conv_residual(gpu, op),
                                              .result = map_operand(&op->out),
                                              .push = {.height = op->in.height,
                                                       .width = op->in.width,
                                                       .out_width = op->out.width,
                                                       .out_pixels = map_pixels(&op->out),
                                                       .groups = conv->in / 4,
                                                       .out_groups = map_groups(&op->out),
                                                       .stride = conv->stride,
                                                       .dilation = conv->dilation,
                                                       .source = push_map(&op->in),
                                                       .result = push_map(&op->out),
                                                       .residual = push_map(op->residual ? op->residual : &op->out),
                                                       .epilogue = conv_epilogue(op)},
                                      });
}

int op_conv(struct gpu_program *program, const struct op_conv *op)
{
        return conv_uses_winograd(program->gpu, &op->conv) ? winograd(program, op) : direct(program, op);
}
