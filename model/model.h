/* A model file: the description of a network, its classes and its weights.  The format is safetensors; model/README.md
 * describes the metadata.  Nothing in a model file is trusted: every name, shape, size and number is checked when it is
 * opened. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_CLASSES_MAX 64

/* Residual blocks: the two kinds of ResNets, and inverted ones (1x1, depthwise, 1x1: MobileNetV2, Sandler et al., CVPR
 * 2018). */
enum model_block { MODEL_BASIC, MODEL_BOTTLENECK, MODEL_INVERTED };

#define MODEL_LAYERS_MAX 8
#define MODEL_LEVELS_MAX 4

/* A sequence of inverted blocks; the stride is that of the first. */
struct model_layer {
        uint32_t kernel;           /* of the depthwise convolutions: 3 or 5 */
        uint32_t stride, dilation; /* 1 or 2; 1..4 */
        uint32_t expansion;        /* 1..8; 1: no first 1x1 */
        uint32_t channels, blocks; /* 8..2048, a multiple of 8; 1..64 */
};

/* A level of the pyramid decoder, which doubles the map's size. */
struct model_level {
        uint32_t channels, lateral; /* of the result, and of the projected encoder's map: 8..2048, multiples of 8 */
        uint32_t kernel;            /* 3 or 5 */
};

/* A network of inverted blocks: a stem of one convolution with stride 2, no pooling, and the pyramid decoder. */
struct model_inverted {
        uint32_t stem; /* channels */
        uint32_t layer_count, level_count;
        struct model_layer layers[MODEL_LAYERS_MAX];
        struct model_level levels[MODEL_LEVELS_MAX]; /* from deep to shallow */
};

struct model_class {
        char name[32];
        uint8_t color[3]; /* R G B */
};

/* The metadata, which is enough to build the network.  Widths are as in the paper's figures, all multiples of 8, the
 * head's of 16.  `blocks`, `stem`, `planes` and `decoder` are used by ResNets only. */
struct model_info {
        char name[64];
        enum model_block block;
        uint32_t blocks[4];                      /* per layer, 1..64 */
        uint32_t stem[3], planes[4], decoder[2]; /* widths, 8..4096 */
        struct model_inverted inverted;          /* for MODEL_INVERTED only */
        uint32_t head;                           /* width, 16..4096 */
        uint32_t height, width;                  /* of the input, 33..2048 */
        bool free_shape;                         /* the input takes the picture's shape: see model_fit() */
        bool bgr;                                /* channel order of the input */
        float mean[3], std[3];                   /* in the same order */
        uint32_t classes;
        struct model_class class[MODEL_CLASSES_MAX];
        char license[256], provenance[1024];
};

struct model;

/* -ENOENT, -EACCES, ...: the file cannot be read; -EBADMSG: it is not a model or is damaged, and `why` gets one line
 * that names the file and the tensor or key. */
int model_open(const char *path, struct model **ret, char *why, size_t why_size);
void model_close(struct model *model); /* NULL is fine */

const struct model_info *model_info(const struct model *model);
const char *model_path(const struct model *model);

/* Gives the input the shape of a whole picture of this size, so that none of it is wasted on borders: the same area at
 * most, sides that are multiples of 16, at most 2 : 1.  Only for models that were trained for it (free_shape); the
 * others stay as they are. */
void model_fit(struct model_info *info, uint32_t width, uint32_t height);

/* Reads a tensor as `count` 32-bit floats into *ret, which the caller must free().  The caller knows the shape, which
 * has been checked against the graph.  -ENOENT: no such tensor (impossible for names that the graph made); -ENOMEM;
 * -EIO, -EBADMSG: the file has changed or can no longer be read. */
int model_tensor(const struct model *model, const char *name, size_t count, float **ret);
