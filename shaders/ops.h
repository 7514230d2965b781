/* Operators of the network.  Each appends to a program; none allocates device memory. */
#pragma once

#include "shaders/gpu.h"
#include "shaders/image.h"

enum gpu_dtype { GPU_F32, GPU_F16 }; /* of storage: sums of more than four products always have 32 bits */

/* A feature map: `channels` x `height` x `width`, stored as [ceil(height*width / 32)][stride / 4][32][4]: blocks of 32
 * consecutive pixels, each with groups of 4 channels.  A map can be a slice of a wider one, which has `stride`
 * channels; the slice starts at `first`.  This lets operators write directly into a concatenation.  channels, stride
 * and first are multiples of 4. */
struct gpu_map {
        struct gpu_buffer *buffer;
        uint64_t offset; /* of the wide map, in bytes; a multiple of 256 */
        enum gpu_dtype dtype;
        uint32_t channels, height, width;
        uint32_t stride, first;
};

uint64_t gpu_map_size(enum gpu_dtype dtype, uint32_t stride, uint32_t height, uint32_t width);

enum gpu_activation { GPU_LINEAR, GPU_RELU, GPU_LEAKY, GPU_RELU6 }; /* leaky: slope 0.01 */

/* ---- convolution, "same" padding, any stride and dilation ---- */

struct conv_algorithm; /* one row of the table in ops/conv.h */

struct gpu_conv {
        uint32_t in, out; /* channels; `in` a multiple of 4, `out` any: the map's channels are rounded up to 4 */
        uint32_t kernel;  /* 1 or 3; depthwise: 3 or 5 */
        uint32_t stride, dilation;
        uint32_t height, width; /* of the input */
        enum gpu_dtype dtype; /* of the weights; input and output carry their own.  Depthwise: not used, they are F32 */
        bool depthwise;       /* each channel by itself; `in` and `out` are equal */
        const struct conv_algorithm *algorithm; /* of gpu_conv_choose() */
};

/* Chooses how this layer is computed on this device: as it was measured to be the fastest, or else by a guess.  The
 * algorithm determines the layout of the weights and the size of the workspace, so it is chosen before anything else,
 * and once.  -ENOTSUP: no algorithm computes such a convolution. */
int gpu_conv_choose(const struct gpu *gpu, struct gpu_conv *conv);

/* ---- measuring which algorithm is the fastest ---- */

/* Whether there is an algorithm to choose, and no measurement has said which. */
bool gpu_conv_is_guess(const struct gpu *gpu, const struct gpu_conv *conv);

struct gpu_tuning {
        /* Called after each run, with the algorithm in `conv`.  It may sleep, to leave the device to others.  false:
         * stop. */
        bool (*ran)(void *userdata, const struct gpu_conv *conv, double seconds);
        void *userdata;
};

/* If it is a guess, times every algorithm that can compute this layer, in memory of its own, and remembers the fastest
 * for gpu_conv_choose().  -ECANCELED: it was stopped. */
int gpu_conv_tune(struct gpu *gpu, const struct gpu_conv *conv, const struct gpu_tuning *tuning);
/* Saves what was measured for later runs, in `cache_dir`.  -ENOENT: there is no such directory in the options.  Other
 * errors say why the file cannot be written. */
int gpu_tuning_save(const struct gpu *gpu);

/* ---- with the algorithm that was chosen ---- */

const char *gpu_conv_algorithm(const struct gpu_conv *conv); /* its name, such as "tiled" */
uint64_t gpu_conv_weights_size(const struct gpu_conv *conv);
uint64_t gpu_conv_workspace_size(const struct gpu_conv *conv); /* 0: none */
/* `weights` [out][in][kernel][kernel], depthwise [out][kernel][kernel]; `bias` [out]; `ret` has gpu_conv_weights_size()
 * bytes.  `in` is the number of real input channels (3 for a picture); the remaining ones are zero. */
void gpu_conv_weights_pack(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias,
                           void *ret);

/* out = post(residual + scale * act(conv(in) + bias)); residual may be `out` itself.  A depthwise convolution has bias
 * and activation, and none of the rest. */
struct op_conv {
        struct gpu_conv conv;
        struct gpu_map in, out;
        struct gpu_buffer *weights;
        uint64_t weights_offset; /* a multiple of 256 */
        struct gpu_buffer *workspace;
        uint64_t workspace_offset;
        enum gpu_activation activation;
        const struct gpu_map *residual; /* NULL: none; then scale is 1, and relu false */
        float scale;                    /* of what is added to the residual */
        bool relu;                      /* after the sum */
        bool unbiased;                  /* the weights contain no bias */
};
int op_conv(struct gpu_program *program, const struct op_conv *op);

int op_maxpool(struct gpu_program *program, const struct gpu_map *in,
               const struct gpu_map *out); /* 3x3, stride 2, padding 1 */

/* Bilinear, with aligned corners, to the size of `out`. */
int op_upsample(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out);

/* out = x * up(gate) + x: applies the result of the local graph to the map from which it was computed. */
int op_gate(struct gpu_program *program, const struct gpu_map *x, const struct gpu_map *gate,
            const struct gpu_map *out);

/* ---- matrices computed from the picture: F32 maps; one index is the pixel, the other the channel ---- */

/* out[pixel i][channel j] = sum over pixels n of a[channel i][n] * b[channel j][n].  The width of `out` is the number
 * of channels of `a`; its height is 1. */
int op_gram(struct gpu_program *program, const struct gpu_map *a, const struct gpu_map *b, const struct gpu_map *out);

/* Softmax over the channels of each pixel; in place if `in` and `out` are the same. */
int op_softmax(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out);

/* Swaps channels and pixels. */
int op_transpose(struct gpu_program *program, const struct gpu_map *in, const struct gpu_map *out);

/* out = act(W x), where W[m][k] = matrix[channel m][pixel k] was computed on the device; x has k channels, out has m.
 * `workspace` has gpu_matmul_workspace_size() bytes. */
uint64_t gpu_matmul_workspace_size(const struct gpu *gpu, uint32_t m, uint32_t k);
int op_matmul(struct gpu_program *program, const struct gpu_map *matrix, const struct gpu_map *x,
              const struct gpu_map *out, struct gpu_buffer *workspace, uint64_t workspace_offset);

/* ---- the network's input and output ---- */

/* The whole picture, centred in the network's input and as large as fits into it.  Sizes are in pixels. */
struct gpu_region gpu_region_whole(uint32_t width, uint32_t height, uint32_t net_width, uint32_t net_height);

struct gpu_normalise {
        float mean[3], std[3]; /* in the network's channel order */
        bool bgr;
};

/* Crops and resizes a region: bilinear, averaged where the region's pixels are larger than two of the picture, so
 * that none is left out (up to eight pixels each way).  `region` is a struct gpu_region.  Pixels outside the picture
 * are 0 before normalisation.  `out` has 4 channels, the last one 0. */
int op_crop(struct gpu_program *program, const struct gpu_image *in, const struct gpu_block *region,
            const struct gpu_normalise *normalise, const struct gpu_map *out);

/* The network's answers at its input size: from the logits, upsampled (bilinear, aligned corners), of the first
 * `classes`. */
int op_argmax(struct gpu_program *program, const struct gpu_map *logits, uint32_t classes,
              const struct gpu_answers *out);
