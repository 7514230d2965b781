/* Private to model/: how a parser is built. */
#pragma once

#include "model/graph.h"
#include "model/parser.h"
#include "model/plan.h"

/* Where the weights come from: puts the tensor's floats in *ret, which the caller must free(). */
struct weights_source {
        int (*tensor)(const void *context, const struct graph_tensor *tensor, float **ret);
        const void *context;
};

/* What a node needs at run time in addition to its maps. */
struct weights_node {
        struct gpu_conv conv; /* for GRAPH_CONV and GRAPH_DEPTHWISE: the shape, and the algorithm that was chosen */
        uint64_t offset;      /* of its weights */
        float scale;
};

/* weights.c: the convolution of a node that has weights, its algorithm not yet chosen. */
struct gpu_conv weights_conv(const struct graph_node *node);

/* weights.c: uploads all weights, laid out for this device, to one buffer.  *ret_nodes has one entry for each node of
 * the graph; the caller must free() it.  Errors are those of the source and of gpu.h. */
int weights_upload(struct gpu *gpu, const struct graph *graph, const struct weights_source *source,
                   struct gpu_buffer **ret, struct weights_node **ret_nodes);

/* parser.c: parser_new() for any source. */
int parser_build(struct gpu *gpu, const struct model_info *info, const struct weights_source *source,
                 enum gpu_dtype precision, struct parser **ret, char *why, size_t why_size);

/* parser.c: the name of the kind, such as "conv". */
const char *parser_kind(enum graph_op op);

/* Made and run by parser.c, described by operators.c. */
struct parser {
        struct gpu *gpu;
        struct model_info info;
        struct graph *graph;
        struct gpu_buffer *weights, *arena;
        struct weights_node *nodes; /* one for each node of the graph */
        struct plan_item *places;   /* the graph's buffers, then a workspace for each node */
        struct parser_figures figures;
};
