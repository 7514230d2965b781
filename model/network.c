/* DML-CSR as it ships: the parsing path of "Decoupled Multi-task Learning with Cyclical Self-Regulation for Face
 * Parsing" (Zheng et al., CVPR 2022), without the edge branches, which exist for training only (their section 3.1).
 * Tensors have the names of the official checkpoint.  Every batch norm is folded into the convolution before it; "abn"
 * there, batch norm and leaky ReLU, is GPU_LEAKY here, and followed by a ReLU it is GPU_RELU. */
#include "model/graph.h"

#include <stdio.h>

struct block {
        enum model_block kind;
        unsigned layer, index;
        uint32_t planes, stride, dilation;
        const struct graph_store *into; /* of the first block of a layer: where its result must be; NULL: anywhere */
};

static uint32_t expansion(enum model_block kind)
{
        return kind == MODEL_BOTTLENECK ? 4 : 1;
}

static void part(char name[GRAPH_PART_MAX], const struct block *block, const char *suffix)
{
        snprintf(name, GRAPH_PART_MAX, "layer%u.%u.%s", block->layer, block->index, suffix);
}

/* What the block's result is added to: its input, or a projection of that where the shapes differ. */
static const struct graph_value *shortcut(struct graph *graph, const struct block *block, const struct graph_value *x)
{
        char name[GRAPH_PART_MAX];
        uint32_t out = block->planes * expansion(block->kind);

        if (block->stride == 1 && x->channels == out)
                return x;
        part(name, block, "downsample.0");
        return graph_add_conv(graph, x,
                              &(struct graph_conv){
                                      .name = name,
                                      .out = out,
                                      .stride = block->stride,
                                      .activation = GPU_LEAKY, /* before the sum */
                                      .dtype = x->store->dtype,
                                      .into = block->into,
                              });
}

/* The sum is made in place, on the shortcut's memory: nobody reads a block's input after the block, but for layer1's
 * result, and layer2 strides and so starts with a projection. */
static const struct graph_value *residual_block(struct graph *graph, const struct block *block,
                                                const struct graph_value *x)
{
        bool bottleneck = block->kind == MODEL_BOTTLENECK;
        const struct graph_value *y = x, *residual;
        char name[GRAPH_PART_MAX];
        struct graph_conv spatial = {
                .name = name,
                .out = block->planes,
                .kernel = 3,
                .stride = block->stride,
                .dilation = block->dilation,
                .activation = GPU_RELU,
                .dtype = x->store->dtype,
        };

        part(name, block, "conv1");
        if (bottleneck) {
                y = graph_add_conv(graph, y,
                                   &(struct graph_conv){
                                           .name = name,
                                           .out = block->planes,
                                           .activation = GPU_RELU,
                                           .dtype = x->store->dtype,
                                   });
                part(name, block, "conv2");
        }
        y = graph_add_conv(graph, y, &spatial);

        residual = shortcut(graph, block, x);
        part(name, block, bottleneck ? "conv3" : "conv2");
        return graph_add_conv(graph, y,
                              &(struct graph_conv){
                                      .name = name,
                                      .out = block->planes * expansion(block->kind),
                                      .kernel = bottleneck ? 1 : 3,
                                      .dilation = bottleneck ? 1 : block->dilation,
                                      .activation = GPU_LEAKY, /* before the sum */
                                      .dtype = x->store->dtype,
                                      .residual = residual,
                                      .relu = true,
                                      .in_place = !block->into || residual->store == block->into,
                                      .into = block->into,
                              });
}

static const struct graph_value *layer(struct graph *graph, const struct model_info *info, unsigned number,
                                       const struct graph_store *into, const struct graph_value *x)
{
        struct block block = {
                .kind = info->block,
                .layer = number,
                .planes = info->planes[number - 1],
                .stride = number == 2 ? 2 : 1,
                .dilation = number == 4 ? 2 : 1,
                .into = into,
        };

        for (block.index = 0; block.index < info->blocks[number - 1]; block.index++) {
                x = residual_block(graph, &block, x);
                block.stride = 1;
                block.into = NULL; /* the rest of the chain stays there */
        }
        return x;
}

static const struct graph_value *stem(struct graph *graph, const struct model_info *info, enum gpu_dtype precision)
{
        static const char *const names[] = {"conv1", "conv2", "conv3"};
        const struct graph_value *x = graph->input;
        const struct graph_store *pooled;

        for (size_t i = 0; i < 3; i++)
                x = graph_add_conv(graph, x,
                                   &(struct graph_conv){
                                           .name = names[i],
                                           .out = info->stem[i],
                                           .kernel = 3,
                                           .stride = i == 0 ? 2 : 1,
                                           .activation = GPU_RELU,
                                           .dtype = precision,
                                   });
        pooled = graph_add_store(graph, precision, x->channels, (x->store->height - 1) / 2 + 1,
                                 (x->store->width - 1) / 2 + 1);
        return graph_add(graph, GRAPH_MAXPOOL, x, NULL, graph_add_value(graph, pooled, 0, x->channels));
}

#define DUALGCN "context.dualgcn."
#define ATTENTION DUALGCN "gcn_local_attention."

/* A map for a product of maps: always F32, whatever the trunk's precision. */
static const struct graph_value *matrix(struct graph *graph, uint32_t channels, uint32_t height, uint32_t width)
{
        return graph_add_value(graph, graph_add_store(graph, GPU_F32, channels, height, width), 0, channels);
}

static const struct graph_value *project(struct graph *graph, const struct graph_value *x, const char *name,
                                         uint32_t out, enum gpu_activation activation)
{
        return graph_add_conv(
                graph, x, &(struct graph_conv){.name = name, .out = out, .activation = activation, .dtype = GPU_F32});
}

/* A convolution over the nodes of a graph: a batch norm without activation is folded into it. */
static const struct graph_value *state_conv(struct graph *graph, const struct graph_value *x, const char *name,
                                            const struct graph_value *residual)
{
        return graph_add_conv(graph, x,
                              &(struct graph_conv){
                                      .name = name,
                                      .out = x->channels,
                                      .rank = 3,
                                      .dtype = GPU_F32,
                                      .residual = residual,
                              });
}

/* Section 3.2's spatial graph: attention among the channels of a map an eighth as large, computed from the image
 * itself. */
static const struct graph_value *local_graph(struct graph *graph, const struct graph_value *x)
{
        uint32_t inner = x->channels / 2, height, width;
        const struct graph_value *key, *value, *query, *adjacency, *y = x;

        y = graph_add_depthwise(graph, y, DUALGCN "local.0");
        y = graph_add_depthwise(graph, y, DUALGCN "local.2");
        y = graph_add_depthwise(graph, y, DUALGCN "local.4");
        height = y->store->height;
        width = y->store->width;

        query = project(graph, y, ATTENTION "node_q", inner, GPU_LINEAR);
        value = project(graph, y, ATTENTION "node_v", inner, GPU_LINEAR);
        adjacency = matrix(graph, inner, 1, inner);
        graph_add(graph, GRAPH_GRAM, query, value, adjacency);
        adjacency =
                graph_add(graph, GRAPH_SOFTMAX, adjacency, NULL, graph_add_value(graph, adjacency->store, 0, inner));
        key = project(graph, y, ATTENTION "node_k", inner, GPU_LINEAR);
        key = graph_add(graph, GRAPH_MATMUL, adjacency, key, matrix(graph, inner, height, width));
        key = state_conv(graph, key, ATTENTION "conv_wg", NULL);
        return graph_add_conv(graph, key,
                              &(struct graph_conv){
                                      .name = ATTENTION "out.0",
                                      .out = x->channels,
                                      .activation = GPU_LEAKY,
                                      .dtype = y->store->dtype,
                                      .scale = ATTENTION "gamma",
                                      .residual = y,
                                      .in_place = true,
                              });
}

/* Section 3.2's feature graph: the map projected on a few states, a convolution among them, and back. It replaces `x`.
 */
static const struct graph_value *feature_graph(struct graph *graph, const struct graph_value *x)
{
        uint32_t nodes = x->channels / 2, states = x->channels / 4;
        uint32_t height = x->store->height, width = x->store->width;
        const struct graph_value *phi, *theta, *z;

        phi = project(graph, x, DUALGCN "phi", nodes, GPU_LEAKY);
        theta = project(graph, x, DUALGCN "theta", states, GPU_LEAKY);
        /* Node i is pixel i of a map of `states` channels, so the convolution over the states is an ordinary one.  Its
         * result is added to its own input and so cannot be in place. */
        z = graph_add(graph, GRAPH_GRAM, phi, theta, matrix(graph, states, 1, nodes));
        z = state_conv(graph, z, DUALGCN "conv_adj", z);
        z = graph_add(graph, GRAPH_TRANSPOSE, z, NULL, matrix(graph, nodes, 1, states));
        z = state_conv(graph, z, DUALGCN "conv_wg", NULL);
        z = graph_add(graph, GRAPH_MATMUL, z, theta, matrix(graph, nodes, height, width));
        return graph_add_conv(graph, z,
                              &(struct graph_conv){
                                      .name = DUALGCN "conv3",
                                      .out = x->channels,
                                      .activation = GPU_LEAKY,
                                      .dtype = x->store->dtype,
                                      .scale = DUALGCN "gamma1",
                                      .residual = x,
                                      .in_place = true,
                              });
}

/* Section 3.2, the dynamic dual graph convolution head.  The layers before it have left their result in the first
 * channels of `wide`, which is the input of context.bottleneck. */
static const struct graph_value *context(struct graph *graph, const struct model_info *info,
                                         const struct graph_store *wide, const struct graph_value *x5)
{
        enum gpu_dtype dtype = wide->dtype;
        uint32_t head = info->head;
        const struct graph_store *both = graph_add_store(graph, dtype, 2 * head, wide->height, wide->width);
        const struct graph_value *a, *gate;
        struct graph_conv final = {.out = head, .activation = GPU_LEAKY, .dtype = dtype};

        final.name = "context.conva.0";
        final.kernel = 3;
        final.into = both;
        final.first = head;
        a = graph_add_conv(graph, x5, &final);

        /* Both graphs work on `a`.  It lies where the feature graph's result goes, which replaces it: so the other,
         * which reads it last in its gate, comes first. */
        gate = local_graph(graph, a);
        graph_add(graph, GRAPH_GATE, a, gate, graph_add_value(graph, both, 0, head));
        feature_graph(graph, a);

        final.name = DUALGCN "final.0";
        final.kernel = 1;
        final.into = NULL;
        a = graph_add_conv(graph, graph_add_value(graph, both, 0, 2 * head), &final);
        final.name = "context.convb.0";
        final.kernel = 3;
        final.into = wide;
        final.first = x5->channels;
        graph_add_conv(graph, a, &final);
        final.name = "context.bottleneck.0";
        final.into = NULL;
        return graph_add_conv(graph, graph_add_value(graph, wide, 0, wide->channels), &final);
}

static const struct graph_value *decoder(struct graph *graph, const struct model_info *info,
                                         const struct graph_value *x2, const struct graph_value *x)
{
        enum gpu_dtype dtype = x->store->dtype;
        uint32_t top = info->decoder[0], low = info->decoder[1];
        const struct graph_store *both;
        struct graph_conv conv = {.out = top, .activation = GPU_LEAKY, .dtype = dtype};

        conv.name = "layer6.conv1.0";
        x = graph_add_conv(graph, x, &conv);
        both = graph_add_store(graph, dtype, top + low, x2->store->height, x2->store->width);
        graph_add(graph, GRAPH_UPSAMPLE, x, NULL, graph_add_value(graph, both, 0, top));
        conv.name = "layer6.conv2.0";
        conv.out = low;
        conv.into = both;
        conv.first = top;
        graph_add_conv(graph, x2, &conv);

        conv.name = "layer6.conv3.0";
        conv.out = top;
        conv.into = NULL;
        x = graph_add_conv(graph, graph_add_value(graph, both, 0, top + low), &conv);
        conv.name = "layer6.conv3.2";
        x = graph_add_conv(graph, x, &conv);
        return graph_add_conv(graph, x,
                              &(struct graph_conv){.name = "layer6.conv4", .out = info->classes, .dtype = GPU_F32});
}

void network_build(struct graph *graph, const struct model_info *info, enum gpu_dtype precision)
{
        uint32_t channels = info->planes[3] * expansion(info->block);
        const struct graph_value *x, *x2;
        const struct graph_store *wide;

        graph->input = graph_add_value(graph, graph_add_store(graph, precision, 4, info->height, info->width), 0, 4);
        x = stem(graph, info, precision);
        x2 = layer(graph, info, 1, NULL, x);
        x = layer(graph, info, 2, NULL, x2);
        x = layer(graph, info, 3, NULL, x);
        wide = graph_add_store(graph, precision, channels + info->head, x->store->height, x->store->width);
        x = layer(graph, info, 4, wide, x);
        x = context(graph, info, wide, x);
        graph->logits = decoder(graph, info, x2, x);
}
