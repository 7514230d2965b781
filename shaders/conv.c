#include <string.h>

#include "shaders/conv.h"

bool conv_uses_winograd(const struct gpu *gpu, const struct gpu_conv *conv)
{
        /* In 32 bits only: the transformed values span too wide a range for halves. */
        return gpu->backend == GPU_BACKEND_LANE && conv->dtype == GPU_F32 && conv->kernel == 3 && conv->stride == 1 &&
               winograd_pays(conv);
}

uint32_t conv_taps(const struct gpu *gpu, const struct gpu_conv *conv)
{
        return conv_uses_winograd(gpu, conv) ? 36 : conv->kernel * conv->kernel;
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
