/* Private to ops/: the table of convolution algorithms, and what they share. */
#pragma once

#include "shaders/glsl/network-params.h"
#include "shaders/ops/operand.h"

/* One way to compute a convolution.  Sizes, packing and recording belong to it, so they agree with each other; which
 * one a layer has is chosen once, by gpu_conv_choose(), and kept in its gpu_conv. */
struct conv_algorithm {
        const char *name;         /* without a space; kept in the file of measured choices */
        enum gpu_backend backend; /* that it belongs to; GPU_BACKEND_AUTO: to both */
        /* Whether it can compute this on such a device. */
        bool (*fits)(const struct gpu_caps *caps, const struct gpu_conv *conv);
        /* Whether it is expected to be the fastest then; NULL: always. */
        bool (*pays)(const struct gpu_conv *conv);
        uint64_t (*weights_size)(const struct gpu_conv *conv);
        uint64_t (*workspace_size)(const struct gpu_conv *conv); /* NULL: none */
        /* `ret` is zeroed; see gpu_conv_weights_pack(). */
        void (*pack)(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias, void *ret);
        int (*record)(struct gpu_program *program, const struct op_conv *op);
};

extern const struct conv_algorithm conv_subgroup;                               /* conv-direct.c */
extern const struct conv_algorithm conv_subgroup_expand;                        /* conv-expand.c */
extern const struct conv_algorithm conv_tiled, conv_tiled_small;                /* conv-tiled.c */
extern const struct conv_algorithm conv_cooperative;                            /* conv-cooperative.c */
extern const struct conv_algorithm conv_tiled_packed, conv_tiled_packed_small;  /* conv-packed.c */
extern const struct conv_algorithm conv_tiled_split;                            /* conv-split.c */
extern const struct conv_algorithm conv_subgroup_winograd, conv_tiled_winograd; /* winograd.c */
extern const struct conv_algorithm conv_depthwise_block, conv_depthwise_pixel;  /* depthwise.c */

/* conv.c: all of them, those that are faster first; ends with NULL. */
extern const struct conv_algorithm *const conv_algorithms[];

/* The direct one of the device's back-end.  All direct ones but conv-packed.c's take the same weights. */
const struct conv_algorithm *conv_direct(const struct gpu *gpu);

/* ---- choice.c: which algorithm a layer has ---- */

enum { CONV_CANDIDATES = 12 }; /* room for all algorithms */

/* Those of `backend` that can compute it, in the table's order; returns how many. */
unsigned conv_candidates(const struct gpu_caps *caps, enum gpu_backend backend, const struct gpu_conv *conv,
                         const struct conv_algorithm *ret[CONV_CANDIDATES]);
/* The one that is expected to be the fastest if `backend` is the faster one; NULL: none can compute it. */
const struct conv_algorithm *conv_guess(const struct gpu_caps *caps, enum gpu_backend backend,
                                        const struct gpu_conv *conv);
/* The one that was measured to be the fastest; NULL: nothing was measured. */
const struct conv_algorithm *conv_measured(const struct gpu *gpu, const struct gpu_conv *conv);
int conv_remember(struct gpu *gpu, const struct gpu_conv *conv, const struct conv_algorithm *fastest);

/* ---- trial.c: a convolution by itself, to be timed ---- */

struct conv_trial {
        struct gpu_conv conv;
        struct gpu_buffer *memory; /* weights, input, output, workspace */
        struct gpu_program *program;
};

/* For conv->algorithm.  On failure there is nothing to free. */
int conv_trial_new(struct gpu *gpu, const struct gpu_conv *conv, struct conv_trial *ret);
/* Zeroes the memory: what it happens to contain could be denormals, which are slow. */
int conv_trial_clear(struct conv_trial *trial);
void conv_trial_free(struct conv_trial *trial); /* a zeroed one is fine */

/* ---- conv-weights.c: a matrix for each of `taps`, then the bias in 32 bits ---- */

uint64_t conv_rows(const struct gpu_conv *conv); /* of a matrix: output channels, padded */
uint64_t conv_matrix_size(const struct gpu_conv *conv, uint32_t taps);
uint64_t conv_weights_size(const struct gpu_conv *conv, uint32_t taps);
/* Whether subgroup kernels run, and such weights fit in a texel buffer. */
bool conv_fits_subgroup(const struct gpu_caps *caps, const struct gpu_conv *conv, uint32_t taps);
void conv_pack_bias(const struct gpu_conv *conv, uint32_t taps, const float *bias, void *ret);

struct operand conv_matrix(const struct op_conv *op, uint32_t taps);
/* All operands that a kernel declares must be bound, even if it does not read them: others are used as substitutes. */
struct operand conv_bias(const struct op_conv *op, uint32_t taps);
struct operand conv_residual(const struct op_conv *op, uint32_t taps);
struct epilogue_params conv_epilogue(const struct op_conv *op);

/* ---- conv-direct.c: what all direct algorithms share ---- */

/* A kernel that multiplies, and what a workgroup of it computes. */
struct conv_kernel {
        const struct kernel *kernel;
        uint32_t channels, pixels;
        bool keeps_inputs; /* it is compiled for the number of input channels */
        bool cooperative;  /* and for the matrices that the device multiplies */
};

extern const struct conv_kernel conv_subgroup_kernel;

/* `batch` products of one shape; see glsl/conv.glsl. */
struct conv_dispatch {
        uint32_t taps, pointwise, batch;
        bool has_bias, has_residual;
        struct operand source, matrix, bias, residual, result;
        struct conv_params params;
};

/* Of a workgroup of a cooperative kernel; 0: the device has no matrices. */
uint32_t conv_cooperative_invocations(const struct gpu_caps *caps);

int conv_dispatch(struct gpu_program *program, const struct conv_kernel *kernel, const struct conv_dispatch *dispatch);

bool conv_is_direct(const struct gpu_conv *conv); /* has a shape that they can compute */
uint64_t conv_direct_weights_size(const struct gpu_conv *conv);
void conv_direct_pack(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias, void *ret);
/* With four output channels of one input channel side by side. */
void conv_direct_pack_across(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias,
                             void *ret);
/* A convolution as one product. */
struct conv_dispatch conv_direct_dispatch(const struct op_conv *op);
int conv_direct_record(struct gpu_program *program, const struct conv_kernel *kernel, const struct op_conv *op);

/* ---- conv-tiled.c ---- */

extern const struct conv_kernel conv_small_kernel;

/* The tiled kernel for `batch` products of this size: that with large tiles if the device runs it, and there are enough
 * of them to keep a GPU busy. */
const struct conv_kernel *conv_tiled_kernel(const struct gpu_caps *caps, uint32_t pixels, uint32_t channels,
                                            uint32_t batch);
uint32_t conv_pixels(const struct gpu_conv *conv);      /* of its output */
uint32_t conv_small_tiles(const struct gpu_conv *conv); /* in how many tiles conv_small_kernel computes that */
