/* The face parser: a model's network on a GPU, from a picture to its labels.
 *
 * All programs that a parser is recorded into share its one arena of feature maps: never let two of them run at the
 * same time.  What a run leaves behind, such as its logits, lasts until the next run of any of them. */
#pragma once

#include "model/model.h"
#include "shaders/image.h"
#include "shaders/ops.h"

struct parser;

/* Uploads the weights and plans the memory.  `info`: the model's, its input's size as wanted (model_fit()).
 * `precision`: how weights and feature maps are stored.  This takes a while (weights are read, laid out and copied), so
 * do not call it in the middle of a stream.  The model may be closed afterwards.  -ENOMEM; -ENODEV; -E2BIG: the input
 * size needs larger storage ranges than this device has. */
int parser_new(struct gpu *gpu, const struct model *model, const struct model_info *info, enum gpu_dtype precision,
               struct parser **ret, char *why, size_t why_size);
void parser_free(struct parser *parser); /* NULL is fine; its programs must be freed first */

/* Appends everything from `image` to `answers`, which have the network's input size: crop, the network and argmax.
 * `region` is the struct gpu_region of the picture that it sees, read each time the program runs.  op_place() takes the
 * answers back to the picture. */
int parser_record(struct parser *parser, struct gpu_program *program, const struct gpu_image *image,
                  const struct gpu_block *region, const struct gpu_answers *answers);

struct parser_shape {
        uint32_t channels, height, width;
};

/* One operator of a run, as a tool sees it. */
struct parser_operator {
        char layer[64];                    /* in the model file, such as "backbone.conv1"; "": it has no weights */
        const char *kind;                  /* "conv", "crop" */
        const char *algorithm;             /* of gpu_conv_algorithm(); "": the kind has only one */
        struct parser_shape in, out;       /* `in` of the picture: 0, because any size will do */
        uint32_t kernel, stride, dilation; /* 0: it is not a convolution */
        double mac;                        /* multiplications, as in struct parser_figures */
        uint64_t bytes;                    /* the least it must read and write: each map and the weights once */
};

/* The operators, in the order in which they run: `i` is below the figures' `operators`. */
void parser_operator(const struct parser *parser, unsigned i, struct parser_operator *ret);
/* Appends only operator `i`.  All operators in order are what parser_record() appends. */
int parser_record_operator(struct parser *parser, unsigned i, struct gpu_program *program,
                           const struct gpu_image *image, const struct gpu_block *region,
                           const struct gpu_answers *answers);

/* The logits of the last run, at the network's input size: *ret has classes x height x width floats, which the caller
 * must free().  Waits; for tests and tools. */
int parser_logits(struct parser *parser, float **ret, uint32_t *ret_classes, uint32_t *ret_height, uint32_t *ret_width);

/* Measures which algorithm is the fastest for each layer that has only a guess, for parsers that are made afterwards:
 * gpu_conv_tune().  Takes seconds.  Returns how many layers got another algorithm, or an error with `why`. */
int parser_tune(struct gpu *gpu, const struct model_info *info, enum gpu_dtype precision,
                const struct gpu_tuning *tuning, char *why, size_t why_size);

struct parser_figures {
        uint64_t weights, arena; /* bytes on the device */
        double gmac;             /* per run */
        unsigned operators;
        unsigned guesses; /* layers whose algorithm is a guess, which parser_tune() would measure */
};
const struct parser_figures *parser_figures(const struct parser *parser);

/* Runs a tiny network of each family of encoders, with made-up weights, and compares the result with a stored answer.
 * Only uses `precision`, so that kernels of the other one do not have to be compiled.  -EIO: this device and driver
 * compute wrong results; `why` says so. */
int parser_self_test(struct gpu *gpu, enum gpu_dtype precision, char *why, size_t why_size);
