/* An encoder of inverted residual blocks, whose last convolution has no activation, and the pyramid decoder.  The
 * decoder goes from the head's size up to a quarter of the input, or as far as its levels reach; each level has two
 * depthwise separable convolutions. */
#include <stdio.h>

#include "model/encoders.h"

struct block {
        const struct model_layer *layer;
        unsigned number, index; /* of the layer, from 1; of the block in it, from 0 */
        uint32_t stride;
        const struct graph_buffer *into; /* where its result must go; NULL: anywhere */
};

static const struct graph_view *convolve(struct graph *graph, const struct graph_view *x, const struct block *block,
                                         unsigned part, struct graph_conv conv)
{
        char name[GRAPH_PART_MAX];

        snprintf(name, sizeof name, "layer%u.%u.conv%u", block->number, block->index, part);
        conv.name = name;
        conv.dtype = x->buffer->dtype;
        return part == 2 ? graph_add_depthwise(graph, x, &conv) : graph_add_conv(graph, x, &conv);
}

/* Sums are computed in place, except for the first block's, whose input the decoder may read. */
static const struct graph_view *inverted_block(struct graph *graph, const struct block *block,
                                               const struct graph_view *x)
{
        const struct model_layer *layer = block->layer;
        const bool sum = block->stride == 1 && x->channels == layer->channels;
        const struct graph_view *y = x;

        if (layer->expansion > 1)
                y = convolve(graph, y, block, 1,
                             (struct graph_conv){.out = x->channels * layer->expansion, .activation = GPU_RELU6});
        y = convolve(graph, y, block, 2,
                     (struct graph_conv){
                             .kernel = layer->kernel,
                             .stride = block->stride,
                             .dilation = layer->dilation,
                             .activation = GPU_RELU6,
                     });
        return convolve(graph, y, block, 3,
                        (struct graph_conv){
                                .out = layer->channels,
                                .residual = sum ? x : NULL,
                                .in_place = sum && block->index > 0,
                                .into = block->into,
                        });
}

static const struct graph_view *layer(struct network *network, unsigned number, const struct graph_view *x)
{
        const struct model_inverted *inverted = &network->info->inverted;
        struct block block = {.layer = &inverted->layers[number - 1], .number = number};

        block.stride = block.layer->stride;
        if (number == inverted->layer_count)
                block.into = network->wide = graph_add_buffer(
                        network->graph, network->precision, block.layer->channels + network->info->head,
                        graph_strided(x->buffer->height, block.stride), graph_strided(x->buffer->width, block.stride));
        for (; block.index < block.layer->blocks; block.index++) {
                x = inverted_block(network->graph, &block, x);
                block.stride = 1;
                block.into = NULL; /* the following blocks stay there */
        }
        return x;
}

void inverted_encode(struct network *network)
{
        const struct model_inverted *inverted = &network->info->inverted;
        const struct graph_view *x = graph_add_conv(network->graph, network->graph->input,
                                                    &(struct graph_conv){
                                                            .name = "conv1",
                                                            .out = inverted->stem,
                                                            .kernel = 3,
                                                            .stride = 2,
                                                            .activation = GPU_RELU6,
                                                            .dtype = network->precision,
                                                    });

        for (unsigned i = 1; i <= inverted->layer_count; i++)
                network->maps[i - 1] = x = layer(network, i, x);
        network->deepest = x;
}

/* The deepest map that was halved `level` times fewer than the last one. */
static const struct graph_view *tap(const struct network *network, uint32_t level)
{
        const struct model_inverted *inverted = &network->info->inverted;
        uint32_t i = inverted->layer_count;

        for (uint32_t halvings = 0; halvings < level; halvings += inverted->layers[i].stride == 2)
                i--;
        return network->maps[i - 1];
}

static const struct graph_view *level(struct network *network, uint32_t index, const struct graph_view *x)
{
        const struct model_level *level = &network->info->inverted.levels[index];
        const struct graph_view *low = tap(network, index + 1);
        struct graph *graph = network->graph;
        uint32_t wide = x->channels + level->lateral;
        const struct graph_buffer *both =
                graph_add_buffer(graph, network->precision, wide, low->buffer->height, low->buffer->width);
        char name[GRAPH_PART_MAX];
        struct graph_conv conv = {.name = name, .dtype = network->precision, .activation = GPU_LEAKY};
        struct graph_conv depthwise = {.name = name, .kernel = level->kernel};

        graph_add(graph, GRAPH_UPSAMPLE, x, NULL, graph_add_view(graph, both, 0, x->channels));
        conv.out = level->lateral;
        conv.into = both;
        conv.first = x->channels;
        snprintf(name, sizeof name, "decoder.levels.%u.conv1", index);
        graph_add_conv(graph, low, &conv);

        x = graph_add_view(graph, both, 0, wide);
        conv.out = level->channels;
        conv.into = NULL;
        for (unsigned part = 2; part <= 4; part += 2) {
                snprintf(name, sizeof name, "decoder.levels.%u.conv%u", index, part);
                x = graph_add_depthwise(graph, x, &depthwise);
                snprintf(name, sizeof name, "decoder.levels.%u.conv%u", index, part + 1);
                x = graph_add_conv(graph, x, &conv);
        }
        return x;
}

const struct graph_view *inverted_decode(struct network *network, const struct graph_view *x)
{
        const struct model_info *info = network->info;

        x = graph_add_conv(network->graph, x,
                           &(struct graph_conv){
                                   .name = "decoder.conv1.0",
                                   .out = info->inverted.levels[0].channels,
                                   .activation = GPU_LEAKY,
                                   .dtype = network->precision,
                           });
        for (uint32_t i = 0; i < info->inverted.level_count; i++)
                x = level(network, i, x);
        return graph_add_conv(network->graph, x,
                              &(struct graph_conv){.name = "decoder.conv4", .out = info->classes, .dtype = GPU_F32});
}
