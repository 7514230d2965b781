/* Private to ops/: what direct and Winograd convolutions share, the one in conv.c, the other in winograd.c. */
#pragma once

#include "shaders/ops/operand.h"

struct push_epilogue {
        int32_t has_bias, has_residual;
        struct activation_params activation;
        float scale, final_slope;
};

struct push_conv {
        int32_t height, width, out_width, out_pixels, groups, out_groups, stride, dilation;
        struct map_params source, result, residual;
        int32_t source_batch, weights_batch, result_batch;
        struct push_epilogue epilogue;
};

/* `batch` products of one shape; see glsl/conv.glsl. */
struct conv_dispatch {
        uint32_t taps, pointwise, batch;
        struct operand source, matrix, bias, residual, result;
        struct push_conv push;
};

/* conv-operands.c: which of the two it is, and what both bind. */
int conv_dispatch(struct gpu_program *program, const struct conv_dispatch *dispatch);
bool conv_uses_winograd(const struct gpu *gpu, const struct gpu_conv *conv);
uint32_t conv_taps(const struct gpu *gpu, const struct gpu_conv *conv);
uint64_t conv_rows(const struct gpu_conv *conv);
uint64_t conv_matrix_size(const struct gpu *gpu, const struct gpu_conv *conv);
struct operand conv_matrix(const struct gpu *gpu, const struct op_conv *op);
struct operand conv_bias(const struct gpu *gpu, const struct op_conv *op);
struct operand conv_residual(const struct gpu *gpu, const struct op_conv *op);
struct push_epilogue conv_epilogue(const struct op_conv *op);

/* winograd.c */
void winograd_pack(const struct gpu_conv *conv, uint32_t in, const float *weights, float *ret);
int winograd(struct gpu_program *program, const struct op_conv *op);
