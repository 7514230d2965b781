/* Private to model/: the two families of encoders, each with its decoder.  Both use the same head. */
#pragma once

#include "model/graph.h"

struct network {
        struct graph *graph;
        const struct model_info *info;
        enum gpu_dtype precision;
        const struct graph_view *maps[MODEL_LAYERS_MAX]; /* results of the encoder's layers */
        const struct graph_view *deepest;                /* the last of them */
        const struct graph_view *low;                    /* of a ResNet: what its decoder uses of the first of them */
        struct graph_buffer *wide; /* `deepest` is in its first channels, followed by room for the head's result */
};

/* Append the encoder and fill in `maps` and `wide`. */
void resnet_encode(struct network *network);
void inverted_encode(struct network *network);

/* Append the decoder of the head's result, and return the logits. */
const struct graph_view *resnet_decode(struct network *network, const struct graph_view *x);
const struct graph_view *inverted_decode(struct network *network, const struct graph_view *x);
