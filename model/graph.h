/* The network as a table: nodes in execution order, the feature maps between them, and the tensors they need.  Nothing
 * here touches a device: sizes, names, counts and lifetimes are all known before one is opened.
 *
 * A *buffer* is a piece of memory.  A *view* is a feature map, written by one node; it occupies a whole buffer or a
 * slice of its channels.  A concatenation is therefore a buffer with several views.  Two successive views in the same
 * place of a buffer are an update in place. */
#pragma once

#include "model/model.h"
#include "shaders/ops.h"

enum graph_op {
        GRAPH_CONV,      /* `in`, residual; weight and bias, scale */
        GRAPH_DEPTHWISE, /* `in`; weight and bias */
        GRAPH_MAXPOOL,
        GRAPH_UPSAMPLE,
        GRAPH_GATE, /* `in` is the map, `in2` the gate */
        GRAPH_GRAM, /* of `in` and `in2` */
        GRAPH_SOFTMAX,
        GRAPH_TRANSPOSE,
        GRAPH_MATMUL, /* `in` is the matrix, `in2` what it multiplies */
        GRAPH_OPS
};

struct graph_buffer {
        enum gpu_dtype dtype;
        uint32_t channels, height, width;
        uint32_t from, to; /* the first and the last node that touch it */
};

struct graph_view {
        const struct graph_buffer *buffer;
        uint32_t first, channels; /* multiples of 4 */
};

struct graph_tensor {
        char name[64];
        uint32_t rank, shape[4];
        size_t count;
};

struct graph_node {
        enum graph_op op;
        const struct graph_view *in, *in2, *residual, *out; /* NULL where there is none */
        const struct graph_tensor *weight, *bias, *scale;   /* NULL where there is none; scale is a single number */
        enum gpu_activation activation;
        bool relu;                         /* after the residual is added */
        uint32_t kernel, stride, dilation; /* for GRAPH_CONV and GRAPH_DEPTHWISE */
        double mac;                        /* multiplications */
};

struct graph {
        struct graph_node *nodes;
        struct graph_buffer *buffers;
        struct graph_view *views;
        struct graph_tensor *tensors;
        uint32_t node_count, buffer_count, view_count, tensor_count;
        const struct graph_view *input;  /* alive from the first node on; 4 channels */
        const struct graph_view *logits; /* alive to the end; one channel per class, rounded up to a multiple of 4 */
        uint32_t capacity;               /* of the arrays, for graph_add_*() */
};

void graph_free(struct graph *graph); /* NULL is fine */

double graph_gmac(const struct graph *graph);

/* ---- for network.c and its encoders, which write the table ---- */

/* An empty graph with room for `capacity` nodes.  A node makes at most one buffer, and few views or tensors. */
int graph_new(uint32_t capacity, struct graph **ret);
/* Once everything is added, including logits and input: computes the lifetimes of the buffers. */
void graph_finish(struct graph *graph);

#define GRAPH_PART_MAX 56 /* size of a layer's name with its NUL; ".weight" is appended to it */

struct graph_conv {
        const char *name;                  /* of the layer: the tensors are name.weight and name.bias */
        uint32_t out;                      /* channels */
        uint32_t kernel, stride, dilation; /* 0: 1 */
        uint32_t rank;                     /* of the weights in the file: 3 for PyTorch's conv1d; 0: 4 */
        enum gpu_activation activation;
        enum gpu_dtype dtype; /* of the output */
        const char *scale;    /* name of a tensor with one number; NULL: none */
        const struct graph_view *residual;
        bool relu;
        bool in_place;                   /* the output replaces the residual */
        const struct graph_buffer *into; /* otherwise a slice of this, from `first` on; NULL: a buffer of its own */
        uint32_t first;
};

/* With "same" padding, only the stride makes a map smaller. */
static inline uint32_t graph_strided(uint32_t size, uint32_t stride)
{
        return (size - 1) / stride + 1;
}

struct graph_buffer *graph_add_buffer(struct graph *graph, enum gpu_dtype dtype, uint32_t channels, uint32_t height,
                                      uint32_t width);
const struct graph_view *graph_add_view(struct graph *graph, const struct graph_buffer *buffer, uint32_t first,
                                        uint32_t channels);
const struct graph_view *graph_add_conv(struct graph *graph, const struct graph_view *in,
                                        const struct graph_conv *conv);
/* Ignores `out`, `rank`, `scale` and the members that say where the result goes: the result has the input's channels
 * and type, and a buffer of its own. */
const struct graph_view *graph_add_depthwise(struct graph *graph, const struct graph_view *in,
                                             const struct graph_conv *conv);
/* For operators without tensors. */
const struct graph_view *graph_add(struct graph *graph, enum graph_op op, const struct graph_view *in,
                                   const struct graph_view *in2, const struct graph_view *out);
