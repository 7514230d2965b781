/* The encoder of the paper, a dilated ResNet with output stride 8, and its decoder. */
#include <stdio.h>

#include "model/encoders.h"

struct block {
        enum model_block kind;
        unsigned layer, index;
        uint32_t planes, stride, dilation;
        const struct graph_buffer *into; /* for the first block of a layer: where its result must go; NULL: anywhere */
};

static uint32_t expansion(enum model_block kind)
{
        return kind == MODEL_BOTTLENECK ? 4 : 1;
}

static void part(char name[GRAPH_PART_MAX], const struct block *block, const char *suffix)
{
        snprintf(name, GRAPH_PART_MAX, "layer%u.%u.%s", block->layer, block->index, suffix);
}

/* The map to which the block's result is added: its input, or a projection of it if the shapes differ. */
static const struct graph_view *shortcut(struct graph *graph, const struct block *block, const struct graph_view *x)
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
                                      .dtype = x->buffer->dtype,
                                      .into = block->into,
                              });
}

/* The sum is computed in place, in the shortcut's memory.  No block's input is read after the block, except for
 * layer1's result; but layer2 has a stride and therefore starts with a projection. */
static const struct graph_view *residual_block(struct graph *graph, const struct block *block,
                                               const struct graph_view *x)
{
        bool bottleneck = block->kind == MODEL_BOTTLENECK;
        const struct graph_view *y = x, *residual;
        char name[GRAPH_PART_MAX];
        struct graph_conv spatial = {
                .name = name,
                .out = block->planes,
                .kernel = 3,
                .stride = block->stride,
                .dilation = block->dilation,
                .activation = GPU_RELU,
                .dtype = x->buffer->dtype,
        };

        part(name, block, "conv1");
        if (bottleneck) {
                y = graph_add_conv(graph, y,
                                   &(struct graph_conv){
                                           .name = name,
                                           .out = block->planes,
                                           .activation = GPU_RELU,
                                           .dtype = x->buffer->dtype,
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
                                      .dtype = x->buffer->dtype,
                                      .residual = residual,
                                      .relu = true,
                                      .in_place = !block->into || residual->buffer == block->into,
                                      .into = block->into,
                              });
}

static const struct graph_view *layer(struct graph *graph, const struct model_info *info, unsigned number,
                                      const struct graph_buffer *into, const struct graph_view *x)
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
                block.into = NULL; /* the following blocks stay there */
        }
        return x;
}

static const struct graph_view *stem(struct graph *graph, const struct model_info *info, enum gpu_dtype precision)
{
        static const char *const names[] = {"conv1", "conv2", "conv3"};
        const struct graph_view *x = graph->input;
        const struct graph_buffer *pooled;

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
        pooled = graph_add_buffer(graph, precision, x->channels, graph_strided(x->buffer->height, 2),
                                  graph_strided(x->buffer->width, 2));
        return graph_add(graph, GRAPH_MAXPOOL, x, NULL, graph_add_view(graph, pooled, 0, x->channels));
}

/* The decoder's, but computed here: the map has several times as many channels, and would be kept until then. */
static const struct graph_view *project_low(struct network *network)
{
        return graph_add_conv(network->graph, network->maps[0],
                              &(struct graph_conv){
                                      .name = "layer6.conv2.0",
                                      .out = network->info->decoder[1],
                                      .activation = GPU_LEAKY,
                                      .dtype = network->precision,
                              });
}

void resnet_encode(struct network *network)
{
        const struct model_info *info = network->info;
        struct graph *graph = network->graph;
        const struct graph_view *x = stem(graph, info, network->precision);

        for (unsigned i = 1; i <= 4; i++) {
                if (i == 4)
                        network->wide = graph_add_buffer(graph, network->precision,
                                                         info->planes[3] * expansion(info->block) + info->head,
                                                         x->buffer->height, x->buffer->width);
                x = layer(graph, info, i, i == 4 ? network->wide : NULL, x);
                network->maps[i - 1] = x;
                if (i == 1)
                        network->low = project_low(network);
        }
        network->deepest = x;
}

const struct graph_view *resnet_decode(struct network *network, const struct graph_view *x)
{
        const struct model_info *info = network->info;
        const struct graph_view *low = network->low;
        struct graph *graph = network->graph;
        enum gpu_dtype dtype = x->buffer->dtype;
        uint32_t top = info->decoder[0];
        const struct graph_buffer *both;
        struct graph_conv conv = {.out = top, .activation = GPU_LEAKY, .dtype = dtype};

        conv.name = "layer6.conv1.0";
        x = graph_add_conv(graph, x, &conv);
        both = graph_add_buffer(graph, dtype, top + low->channels, low->buffer->height, low->buffer->width);
        graph_add(graph, GRAPH_UPSAMPLE, x, NULL, graph_add_view(graph, both, 0, top));
        graph_add(graph, GRAPH_UPSAMPLE, low, NULL,
                  graph_add_view(graph, both, top, low->channels)); /* of this size: copies */

        conv.name = "layer6.conv3.0";
        x = graph_add_conv(graph, graph_add_view(graph, both, 0, top + low->channels), &conv);
        conv.name = "layer6.conv3.2";
        x = graph_add_conv(graph, x, &conv);
        return graph_add_conv(graph, x,
                              &(struct graph_conv){.name = "layer6.conv4", .out = info->classes, .dtype = GPU_F32});
}
