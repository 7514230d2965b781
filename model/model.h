/* A model file: what the network is, its classes, its weights.  The format is safetensors; model/README.md tells what
 * the metadata holds.  Nothing in a model file is trusted: every name, shape, size and number is checked when it is
 * opened.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_CLASSES_MAX 64

enum model_block { MODEL_BASIC, MODEL_BOTTLENECK };

struct model_class {
        char name[32];
        uint8_t color[3]; /* R G B */
};

/* What the metadata says: enough to build the network (widths as in the paper's figures; all are multiples
 * of 8, the head's of 16). */
struct model_info {
        char name[64];
        enum model_block block;
        uint32_t blocks[4];                            /* per layer, 1..64 */
        uint32_t stem[3], planes[4], head, decoder[2]; /* widths, 8..4096 */
        uint32_t height, width;                        /* of the input, 33..2048 */
        bool bgr;                                      /* channel order of the input */
        float mean[3], std[3];                         /* in that order */
        uint32_t classes;
        struct model_class class[MODEL_CLASSES_MAX];
        char license[256], provenance[1024];
};

struct model;

/* -ENOENT, -EACCES, ...: the file cannot be read; -EBADMSG: it is not a model, or damaged; `why`: one line that names
 * the file and the tensor or key. */
int model_open(const char *path, struct model **ret, char *why, size_t why_size);
void model_close(struct model *model); /* NULL is fine */

const struct model_info *model_info(const struct model *model);
const char *model_path(const struct model *model);

/* A tensor as 32-bit floats in *ret (free()), `count` of them: the caller knows the shape, which has been checked
 * against the graph.  -ENOENT: no such tensor (cannot happen for names the graph made); -ENOMEM; -EIO, -EBADMSG: the
 * file changed or cannot be read any more. */
int model_tensor(const struct model *model, const char *name, size_t count, float **ret);
