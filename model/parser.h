/* The face parser: a model's network on a GPU, from a picture to its labels. */
#pragma once

#include "model/model.h"
#include "shaders/image.h"
#include "shaders/ops.h"

struct parser;

/* Uploads the weights and plans the memory.  `precision`: how weights and feature maps are stored.  Takes a while
 * (weights are read, laid out and copied): not for the middle of a stream. The model may be closed afterwards. -ENOMEM,
 * -ENODEV, -E2BIG: the input size needs storage ranges that this device lacks. */
int parser_new(struct gpu *gpu, const struct model *model, enum gpu_dtype precision, struct parser **ret, char *why,
               size_t why_size);
void parser_free(struct parser *parser); /* NULL is fine; its programs must be freed first */

enum { PARSER_REGIONS = 4 }; /* of one picture, at most */

/* Appends everything from `image` to `labels` (of the same size) to a program: for each of `count` regions crop, the
 * network, argmax; then the labels of all back to the picture's own geometry, as op_uncrop() has it.  `regions` is an
 * array of struct gpu_region, read whenever the program runs.  Programs of one parser share its memory: submit one, and
 * the next when it is done. */
int parser_record(struct parser *parser, struct gpu_program *program, const struct gpu_image *image,
                  const struct gpu_block *regions, uint32_t count, const struct gpu_labels *labels);

/* Logits of the last run at the network's input size: *ret is classes x height x width floats (free()).  Waits; for
 * tests and tools. */
int parser_logits(struct parser *parser, float **ret, uint32_t *ret_classes, uint32_t *ret_height, uint32_t *ret_width);

struct parser_figures {
        uint64_t weights, arena; /* bytes on the device */
        double gmac;             /* of one run */
        unsigned operators;
};
const struct parser_figures *parser_figures(const struct parser *parser);

/* Runs a tiny network of each family of encoders, with made-up weights and a stored answer, in the precision that will
 * be used: kernels of the other one need not be compiled.  -EIO: this device and driver compute wrongly; `why` says so.
 */
int parser_self_test(struct gpu *gpu, enum gpu_dtype precision, char *why, size_t why_size);
