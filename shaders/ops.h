/* Operators of the network.  Every one appends to a program; none allocates device memory of its own. */
#pragma once

#include "shaders/gpu.h"
#include "shaders/image.h"

enum gpu_dtype { GPU_F32, GPU_F16 }; /* of storage: arithmetic is always in 32 bits */

/* A feature map: `channels` x `height` x `width`, stored as [ceil(height*width / 32)][stride / 4][32][4]: blocks of 32
 * consecutive pixels, in them groups of 4 channels.  A map can be a slice of a wider one (`stride` channels, this one
 * starting at `first`), which is how operators write straight into a concatenation.  channels, stride and first are
 * multiples of 4. */
struct gpu_map {
        struct gpu_buffer *buffer;
        uint64_t offset; /* bytes, of the wide map; a multiple of 256 */
        enum gpu_dtype dtype;
        uint32_t channels, height, width;
        uint32_t stride, first;
};

uint64_t gpu_map_size(enum gpu_dtype dtype, uint32_t stride, uint32_t height, uint32_t width);

enum gpu_activation { GPU_LINEAR, GPU_RELU, GPU_LEAKY, GPU_RELU6 }; /* leaky: slope 0.01 */

/* ---- convolution: 1x1 or 3x3, "same" padding (dilation, for 3x3), any stride ---- */

struct gpu_conv {
        uint32_t in, out; /* channels; `in` a multiple of 4, `out` any: the map's channels are rounded up to 4 */
        uint32_t kernel;  /* 1 or 3 */
        uint32_t stride, dilation;
        uint32_t height, width; /* of the input */
        enum gpu_dtype dtype;   /* of the weights; input and output carry their own */
};

/* The algorithm (direct, or Winograd F(4x4,3x3)) is chosen from the shape and the device, always the same way, and with
 * it the layout of the weights and the working memory. */
uint64_t gpu_conv_weights_size(const struct gpu *gpu, const struct gpu_conv *conv);
uint64_t gpu_conv_workspace_size(const struct gpu *gpu, const struct gpu_conv *conv); /* 0: none */
/* `weights` [out][in][kernel][kernel], `bias` [out]; `ret` of gpu_conv_weights_size() bytes. `in` counts the real input
 * channels (3 for a picture), the rest being zero. */
void gpu_conv_weights_pack(const struct gpu *gpu, const struct gpu_conv *conv, uint32_t in, const float *weights,
                           const float *bias, void *ret);

/* out = post(residual + scale * act(conv(in) + bias)); residual may be `out` itself. */
struct op_conv {
        struct gpu_conv conv;
        struct gpu_map in, out;
        struct gpu_buffer *weights;
        uint64_t weights_offset; /* a multiple of 256 */
        struct gpu_buffer *workspace;
        uint64_t workspace_offset;
        enum gpu_activation activation;
        float scale;                    /* 1 where there is none */
        const struct gpu_map *residual; /* NULL: none */
        bool relu;                      /* after the sum */
        bool unbiased;                  /* the weights hold no bias */
};
int op_conv(struct gpu_program *program, const struct op_conv *op);

/* ---- depthwise convolution: 3x3 or 5x5, "same" padding, any stride ---- */

/* `weights` [channels][kernel][kernel], `bias` [channels]; `ret` of gpu_depthwise_weights_size() bytes. */
uint64_t gpu_depthwise_weights_size(uint32_t channels, uint32_t kernel);
void gpu_depthwise_weights_pack(uint32_t channels, uint32_t kernel, const float *weights, const float *bias, void *ret);

struct op_depthwise {
        struct gpu_map in, out;
        uint32_t kernel; /* 3 or 5 */
        uint32_t stride, dilation;
        struct gpu_buffer *weights;
        uint64_t weights_offset; /* a multiple of 256 */
        enum gpu_activation activation;
};
int op_depthwise(struct gpu_program *program, const struct op_depthwise *op);

int op_maxpool(struct gpu_program *program, const struct gpu_map *in,
               const struct gpu_map *out); /* 3x3, stride 2, padding 1 */

/* Bilinear, corners aligned, to out's size. */
int op_upsample(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out);

/* out = x * up(gate) + x: the local graph's result applied to the map it came from. */
int op_gate(struct gpu_program *program, const struct gpu_map *x, const struct gpu_map *gate,
            const struct gpu_map *out);

/* ---- matrices computed from the image: maps of F32 whose pixels are one index and whose channels the other ---- */

/* out[pixel i][channel j] = sum over pixels n of a[channel i][n] * b[channel j][n]; out has width = a's channels,
 * height 1. */
int op_gram(struct gpu_program *program, const struct gpu_map *a, const struct gpu_map *b, const struct gpu_map *out);

/* Softmax over the channels of every pixel; in place when in and out are the same. */
int op_softmax(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out);

/* Channels become pixels and pixels channels. */
int op_transpose(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out);

/* out = act(W x), W[m][k] = matrix[channel m][pixel k], computed on the device: x has k channels, out m. `workspace`
 * holds gpu_matmul_workspace_size() bytes. */
uint64_t gpu_matmul_workspace_size(const struct gpu *gpu, uint32_t m, uint32_t k);
int op_matmul(struct gpu_program *program, const struct gpu_map *matrix, const struct gpu_map *x,
              const struct gpu_map *out, struct gpu_buffer *workspace, uint64_t workspace_offset);

/* ---- in and out of the network ---- */

/* The part of a picture that the network sees, turned where its matrices say so.  Each has two rows, for (x, y, 1); the
 * last number of a row is unused.  Places are in pixels, the middle of the first being (0.5, 0.5). */
struct gpu_region {
        float to_picture[2][4];   /* from the network's input */
        float from_picture[2][4]; /* the inverse */
};

/* `to_picture` can be inverted. */
struct gpu_region gpu_region_make(const float to_picture[2][3]);

/* The whole picture, centred in the network's input, its longer side (relative to the input's shape) filling it. */
struct gpu_region gpu_region_whole(uint32_t width, uint32_t height, uint32_t net_width, uint32_t net_height);

struct gpu_normalise {
        float mean[3], std[3]; /* in the network's channel order */
        bool bgr;
};

/* One of the block's regions to the network's input: bilinear, outside of the picture 0 before normalisation; out has 4
 * channels, the last 0.  `regions` is an array of struct gpu_region. */
int op_crop(struct gpu_program *program, const struct gpu_image *in, const struct gpu_block *regions, uint32_t region,
            const struct gpu_normalise *normalise, const struct gpu_map *out);

/* Labels of the network's input size: logits upsampled (bilinear, corners aligned), argmax over the first `classes`.
 * `layer`: which of the label maps that lie in out's buffer, one after the other. */
int op_argmax(struct gpu_program *program, const struct gpu_map *logits, uint32_t classes, const struct gpu_labels *out,
              uint32_t layer);

/* The labels of `count` regions, a layer of `in` each, back to the picture: nearest; where regions overlap the last one
 * counts; outside of all 0. */
int op_uncrop(struct gpu_program *program, const struct gpu_labels *in, const struct gpu_block *regions, uint32_t count,
              const struct gpu_labels *out);
