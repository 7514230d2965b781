/* The network for inference.  With the encoder of a ResNet it is DML-CSR: the parsing path of "Decoupled Multi-task
 * Learning with Cyclical Self-Regulation for Face Parsing" (Zheng et al., CVPR 2022), without the edge branches, which
 * only training needs (section 3.1 there). Tensors have the names of the official checkpoint.  Every batch norm is
 * folded into the preceding convolution.  Its "abn", batch norm and leaky ReLU, is GPU_LEAKY here, or GPU_RELU if a
 * ReLU follows. */
#include "model/encoders.h"
#include "model/network.h"

#define DUALGCN "context.dualgcn."
#define ATTENTION DUALGCN "gcn_local_attention."

/* A map for a product of maps: always F32, regardless of the trunk's precision. */
static const struct graph_view *matrix(struct graph *graph, uint32_t channels, uint32_t height, uint32_t width)
{
        return graph_add_view(graph, graph_add_buffer(graph, GPU_F32, channels, height, width), 0, channels);
}

static const struct graph_view *project(struct graph *graph, const struct graph_view *x, const char *name, uint32_t out,
                                        enum gpu_activation activation)
{
        return graph_add_conv(
                graph, x, &(struct graph_conv){.name = name, .out = out, .activation = activation, .dtype = GPU_F32});
}

/* A convolution over the nodes of a graph, with a folded batch norm and no activation. */
static const struct graph_view *state_conv(struct graph *graph, const struct graph_view *x, const char *name,
                                           const struct graph_view *residual)
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

/* The spatial graph of section 3.2: attention among the channels of a map an eighth of the size, computed from the
 * picture itself. */
static const struct graph_view *local_graph(struct graph *graph, const struct graph_view *x)
{
        static const char *const names[] = {DUALGCN "local.0", DUALGCN "local.2", DUALGCN "local.4"};
        uint32_t inner = x->channels / 2, height, width;
        const struct graph_view *key, *value, *query, *adjacency, *y = x;

        for (size_t i = 0; i < 3; i++)
                y = graph_add_depthwise(
                        graph, y,
                        &(struct graph_conv){.name = names[i], .kernel = 3, .stride = 2, .activation = GPU_LEAKY});
        height = y->buffer->height;
        width = y->buffer->width;

        query = project(graph, y, ATTENTION "node_q", inner, GPU_LINEAR);
        value = project(graph, y, ATTENTION "node_v", inner, GPU_LINEAR);
        adjacency = matrix(graph, inner, 1, inner);
        graph_add(graph, GRAPH_GRAM, query, value, adjacency);
        adjacency =
                graph_add(graph, GRAPH_SOFTMAX, adjacency, NULL, graph_add_view(graph, adjacency->buffer, 0, inner));
        key = project(graph, y, ATTENTION "node_k", inner, GPU_LINEAR);
        key = graph_add(graph, GRAPH_MATMUL, adjacency, key, matrix(graph, inner, height, width));
        key = state_conv(graph, key, ATTENTION "conv_wg", NULL);
        return graph_add_conv(graph, key,
                              &(struct graph_conv){
                                      .name = ATTENTION "out.0",
                                      .out = x->channels,
                                      .activation = GPU_LEAKY,
                                      .dtype = y->buffer->dtype,
                                      .scale = ATTENTION "gamma",
                                      .residual = y,
                                      .in_place = true,
                              });
}

/* The feature graph of section 3.2: projects the map onto a few states, applies a convolution among them, and projects
 * back.  The result replaces `x`. */
static const struct graph_view *feature_graph(struct graph *graph, const struct graph_view *x)
{
        uint32_t nodes = x->channels / 2, states = x->channels / 4;
        uint32_t height = x->buffer->height, width = x->buffer->width;
        const struct graph_view *phi, *theta, *z;

        phi = project(graph, x, DUALGCN "phi", nodes, GPU_LEAKY);
        theta = project(graph, x, DUALGCN "theta", states, GPU_LEAKY);
        /* Node i is pixel i of a map of `states` channels, so the convolution over the states is an ordinary one.  Its
         * result is added to its own input, so it cannot be in place. */
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
                                      .dtype = x->buffer->dtype,
                                      .scale = DUALGCN "gamma1",
                                      .residual = x,
                                      .in_place = true,
                              });
}

/* The dynamic dual graph convolution head of section 3.2.  The preceding layers have left their result in the first
 * channels of `wide`, which is the input of context.bottleneck. */
static const struct graph_view *context(struct graph *graph, const struct model_info *info,
                                        const struct graph_buffer *wide, const struct graph_view *x5)
{
        enum gpu_dtype dtype = wide->dtype;
        uint32_t head = info->head;
        const struct graph_buffer *both = graph_add_buffer(graph, dtype, 2 * head, wide->height, wide->width);
        const struct graph_view *a, *gate;
        struct graph_conv final = {.out = head, .activation = GPU_LEAKY, .dtype = dtype};

        final.name = "context.conva.0";
        final.kernel = 3;
        final.into = both;
        final.first = head;
        a = graph_add_conv(graph, x5, &final);

        /* Both graphs use `a`.  The feature graph's result replaces it, so the other one, whose gate reads it last,
         * comes first. */
        gate = local_graph(graph, a);
        graph_add(graph, GRAPH_GATE, a, gate, graph_add_view(graph, both, 0, head));
        feature_graph(graph, a);

        final.name = DUALGCN "final.0";
        final.kernel = 1;
        final.into = NULL;
        a = graph_add_conv(graph, graph_add_view(graph, both, 0, 2 * head), &final);
        final.name = "context.convb.0";
        final.kernel = 3;
        final.into = wide;
        final.first = x5->channels;
        graph_add_conv(graph, a, &final);
        final.name = "context.bottleneck.0";
        final.into = NULL;
        return graph_add_conv(graph, graph_add_view(graph, wide, 0, wide->channels), &final);
}

/* Nodes: at most 4 per block, 6 per level and about 40 others. */
static uint32_t capacity(const struct model_info *info)
{
        const struct model_inverted *inverted = &info->inverted;
        uint32_t nodes = 64;

        if (info->block == MODEL_INVERTED) {
                nodes += 6 * inverted->level_count;
                for (size_t i = 0; i < inverted->layer_count; i++)
                        nodes += 4 * inverted->layers[i].blocks;
                return nodes;
        }
        for (size_t i = 0; i < 4; i++)
                nodes += 4 * info->blocks[i];
        return nodes;
}

int network_new(const struct model_info *info, enum gpu_dtype precision, struct graph **ret)
{
        struct network network = {.info = info, .precision = precision};
        const bool inverted = info->block == MODEL_INVERTED;
        const struct graph_view *x;
        struct graph *graph;

        int r = graph_new(capacity(info), &graph);
        if (r < 0)
                return r;
        network.graph = graph;
        graph->input = graph_add_view(graph, graph_add_buffer(graph, precision, 4, info->height, info->width), 0, 4);
        inverted ? inverted_encode(&network) : resnet_encode(&network);
        x = context(graph, info, network.wide, network.deepest);
        graph->logits = inverted ? inverted_decode(&network, x) : resnet_decode(&network, x);
        graph_finish(graph);
        *ret = graph;
        return 0;
}
