/* Describes a parser's operators, for tools. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "model/build.h"

static struct parser_shape shape_of(const struct graph_view *view)
{
        return (struct parser_shape){view->channels, view->buffer->height, view->buffer->width};
}

static uint64_t bytes_of(const struct graph_view *view)
{
        return view ? gpu_map_size(view->buffer->dtype, view->channels, view->buffer->height, view->buffer->width) : 0;
}

static void tell_weights(const struct graph_node *node, const struct gpu_conv *conv, struct parser_operator *ret)
{
        snprintf(ret->layer, sizeof ret->layer, "%.*s", (int)(strrchr(node->weight->name, '.') - node->weight->name),
                 node->weight->name);
        ret->algorithm = gpu_conv_algorithm(conv);
        ret->kernel = node->kernel;
        ret->stride = node->stride;
        ret->dilation = node->dilation;
        ret->bytes += gpu_conv_weights_size(conv);
}

static void tell_node(const struct parser *parser, uint32_t i, struct parser_operator *ret)
{
        const struct graph_node *node = &parser->graph->nodes[i];

        *ret = (struct parser_operator){
                .kind = parser_kind(node->op),
                .algorithm = "",
                .in = shape_of(node->in),
                .out = shape_of(node->out),
                .mac = node->mac,
                .bytes = bytes_of(node->in) + bytes_of(node->in2) + bytes_of(node->residual) + bytes_of(node->out),
        };
        if (node->weight)
                tell_weights(node, &parser->nodes[i].conv, ret);
}

void parser_operator(const struct parser *parser, unsigned i, struct parser_operator *ret)
{
        const struct graph *graph = parser->graph;
        const struct parser_shape answers = {1, parser->info.height, parser->info.width};
        const uint64_t pixels = (uint64_t)answers.height * answers.width;

        assert(i < parser->figures.operators);
        if (i > 0 && i <= graph->node_count)
                tell_node(parser, i - 1, ret);
        else if (i == 0)
                *ret = (struct parser_operator){.kind = "crop",
                                                .algorithm = "",
                                                .out = shape_of(graph->input),
                                                .bytes = bytes_of(graph->input)};
        else
                *ret = (struct parser_operator){.kind = "argmax",
                                                .algorithm = "",
                                                .in = shape_of(graph->logits),
                                                .out = answers,
                                                .bytes = bytes_of(graph->logits) + 4 * pixels};
}
