/* Parameters of the network's kernels. */
#ifndef SHADERS_GLSL_NETWORK_PARAMS_H
#define SHADERS_GLSL_NETWORK_PARAMS_H

#include "shaders/glsl/params.h"

/* ---- convolution ---- */

/* activation(sum + bias); with a residual max(final_slope * y, y), y = residual + scale * activation(sum + bias):
 * epilogue.glsl */
struct epilogue_params {
        STRUCT(activation_params) activation;
        float scale, final_slope;
};

/* Of each workgroup of the tiled kernels: invocations each way, and the tile of pixels and output channels they
 * compute. */
#define CONV_TILED_SIDE 16
#define CONV_TILED_SMALL_SIDE 8
#define CONV_TILE(side) (4 * (side))
/* Of each workgroup of conv_cooperative: pixels, and output channels; input channels a step.  A subgroup computes a
 * part of the tile, by the rows of the matrices that the device multiplies: those with 8 have fewer registers. */
#define COOPERATIVE_TILE 64
#define COOPERATIVE_DEPTH 32
#define COOPERATIVE_PIXELS(m) ((m) > 8 ? 2 * (m) : (m))
#define COOPERATIVE_CHANNELS(m) (2 * (m))
#define COOPERATIVE_SUBGROUPS(m)                                                                                       \
        (COOPERATIVE_TILE / COOPERATIVE_PIXELS(m) * (COOPERATIVE_TILE / COOPERATIVE_CHANNELS(m)))
/* Of each invocation of conv_subgroup: pixels, and rows of 8 output channels. */
#define CONV_SUBGROUP_PIXELS 4
#define CONV_SUBGROUP_ROWS 2
/* Groups of 4 output channels that a workgroup of conv_expand computes. */
#define CONV_EXPAND_GROUPS 32

/* Specialization constants of convolutions, and of whatever has an epilogue. */
#define CONV_TAPS 0
#define CONV_POINTWISE 1
#define CONV_DEPTH 2
#define EPILOGUE_BIAS 3
#define EPILOGUE_RESIDUAL 4
/* Rows and columns of the matrices that the device multiplies: pixels, output channels, input channels. */
#define COOPERATIVE_M 5
#define COOPERATIVE_N 6
#define COOPERATIVE_K 7
#define COOPERATIVE_INVOCATIONS 8 /* of a workgroup */

struct conv_params {
        int height, width; /* of the input */
        int out_width, out_pixels;
        int groups, out_groups; /* of 4 channels */
        int stride, dilation;
        STRUCT(map_params) source, result, residual;
        int share;                                     /* groups that each of a batch sums */
        int source_batch, weights_batch, result_batch; /* vec4s from one of a batch to the next */
        STRUCT(epilogue_params) epilogue;
};

struct conv_sum_params {
        int pixels, groups;
        int shares, batch; /* vec4s from one share to the next */
        STRUCT(map_params) result, residual;
        STRUCT(epilogue_params) epilogue;
};

/* Specialization constants of depthwise convolutions; the last two are the block of an invocation, in pixels. */
#define DEPTHWISE_KERNEL 0
#define DEPTHWISE_STRIDE 1
#define DEPTHWISE_WIDE 2
#define DEPTHWISE_HIGH 3

struct depthwise_params {
        int height, width, out_height, out_width;
        int dilation;
        STRUCT(activation_params) activation;
        STRUCT(map_params) source, result;
};

/* How Winograd's 4x4 tiles of output are counted; see winograd_in.comp. */
struct tiling_params {
        int across, down; /* tiles of one grid */
        int dilation;
        int first, strip; /* tiles in the working memory: the first, and how many (a multiple of 32) */
};

struct winograd_in_params {
        ivec2 size; /* width, height */
        STRUCT(tiling_params) tiling;
        STRUCT(map_params) source;
        int groups;
};

struct winograd_out_params {
        ivec2 size; /* width, height */
        STRUCT(tiling_params) tiling;
        int out_groups;
        STRUCT(map_params) result, residual;
        STRUCT(epilogue_params) epilogue;
};

/* ---- maps ---- */

struct maxpool_params {
        int height, width, out_width, out_pixels;
        STRUCT(map_params) source, result;
};

struct upsample_params {
        ivec2 size, source_size; /* width, height */
        STRUCT(map_params) source, result;
};

struct gate_params {
        ivec2 size, gate_size; /* width, height */
        STRUCT(map_params) source, gate, result;
};

/* ---- matrices ---- */

/* Groups of rows that an invocation computes for each way of reading.  More would cost GPUs half of their waves. */
#define GRAM_ROWS_TEXELS 4
#define GRAM_ROWS_BUFFERS 2
#define GRAM_WORKGROUP 32 /* with buffers */

struct gram_params {
        int pixels;
        int a_groups, b_groups;
        STRUCT(map_params) a, b, result;
};

struct softmax_params {
        int pixels, groups;
        STRUCT(map_params) source, result;
};

struct transpose_params {
        int channels, pixels; /* of the source */
        int block;            /* pixels of the result that lie together */
        STRUCT(map_params) source, result;
};

#ifndef VULKAN
CHECK_PUSH_CONSTANTS(conv_params);
CHECK_PUSH_CONSTANTS(conv_sum_params);
CHECK_PUSH_CONSTANTS(depthwise_params);
CHECK_PUSH_CONSTANTS(winograd_in_params);
CHECK_PUSH_CONSTANTS(winograd_out_params);
CHECK_PUSH_CONSTANTS(maxpool_params);
CHECK_PUSH_CONSTANTS(upsample_params);
CHECK_PUSH_CONSTANTS(gate_params);
CHECK_PUSH_CONSTANTS(gram_params);
CHECK_PUSH_CONSTANTS(softmax_params);
CHECK_PUSH_CONSTANTS(transpose_params);
#endif

#endif
