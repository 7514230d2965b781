#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph.h"

struct graph_buffer *graph_add_buffer(struct graph *graph, enum gpu_dtype dtype, uint32_t channels, uint32_t height,
                                      uint32_t width)
{
        struct graph_buffer *buffer = &graph->buffers[graph->buffer_count++];

        assert(graph->buffer_count <= graph->capacity);
        *buffer = (struct graph_buffer){
                .dtype = dtype,
                .channels = (channels + 3) / 4 * 4,
                .height = height,
                .width = width,
        };
        return buffer;
}

const struct graph_view *graph_add_view(struct graph *graph, const struct graph_buffer *buffer, uint32_t first,
                                        uint32_t channels)
{
        struct graph_view *view = &graph->views[graph->view_count++];

        assert(graph->view_count <= graph->capacity && first + channels <= buffer->channels);
        *view = (struct graph_view){buffer, first, (channels + 3) / 4 * 4};
        return view;
}

static const struct graph_tensor *add_tensor(struct graph *graph, const char *name, const char *suffix, uint32_t rank,
                                             const uint32_t *shape)
{
        struct graph_tensor *tensor = &graph->tensors[graph->tensor_count++];

        assert(graph->tensor_count <= 3 * graph->capacity && strlen(name) < GRAPH_PART_MAX);
        snprintf(tensor->name, sizeof tensor->name, "%.*s%s", GRAPH_PART_MAX - 1, name, suffix);
        tensor->rank = rank;
        tensor->count = 1;
        for (uint32_t i = 0; i < rank; i++) {
                tensor->shape[i] = shape[i];
                tensor->count *= shape[i];
        }
        return tensor;
}

static struct graph_node *add_node(struct graph *graph, enum graph_op op, const struct graph_view *in)
{
        struct graph_node *node = &graph->nodes[graph->node_count++];

        assert(graph->node_count <= graph->capacity);
        node->op = op;
        node->in = in;
        node->kernel = node->stride = node->dilation = 1;
        return node;
}

static double pixels(const struct graph_view *view)
{
        return (double)view->buffer->height * view->buffer->width;
}

static const struct graph_view *conv_place(struct graph *graph, const struct graph_conv *conv, uint32_t height,
                                           uint32_t width)
{
        if (conv->in_place)
                return graph_add_view(graph, conv->residual->buffer, conv->residual->first, conv->out);
        if (conv->into)
                return graph_add_view(graph, conv->into, conv->first, conv->out);
        return graph_add_view(graph, graph_add_buffer(graph, conv->dtype, conv->out, height, width), 0, conv->out);
}

const struct graph_view *graph_add_conv(struct graph *graph, const struct graph_view *in, const struct graph_conv *conv)
{
        struct graph_node *node = add_node(graph, GRAPH_CONV, in);
        uint32_t kernel = conv->kernel ? conv->kernel : 1;
        /* A picture has 3 channels, although its map has 4. */
        uint32_t channels = in == graph->input ? 3 : in->channels;
        uint32_t shape[] = {conv->out, channels, kernel, kernel}, one = 1;

        node->kernel = kernel;
        node->stride = conv->stride ? conv->stride : 1;
        node->dilation = conv->dilation ? conv->dilation : 1;
        node->weight = add_tensor(graph, conv->name, ".weight", conv->rank ? conv->rank : 4, shape);
        node->bias = add_tensor(graph, conv->name, ".bias", 1, &conv->out);
        node->scale = conv->scale ? add_tensor(graph, conv->scale, "", 1, &one) : NULL;
        node->activation = conv->activation;
        node->residual = conv->residual;
        node->relu = conv->relu;
        node->out = conv_place(graph, conv, graph_strided(in->buffer->height, node->stride),
                               graph_strided(in->buffer->width, node->stride));
        node->mac = (double)node->weight->count * pixels(node->out);
        return node->out;
}

const struct graph_view *graph_add_depthwise(struct graph *graph, const struct graph_view *in,
                                             const struct graph_conv *conv)
{
        struct graph_node *node = add_node(graph, GRAPH_DEPTHWISE, in);
        uint32_t shape[] = {in->channels, 1, conv->kernel, conv->kernel};
        const struct graph_buffer *buffer;

        node->kernel = conv->kernel;
        node->stride = conv->stride ? conv->stride : 1;
        node->dilation = conv->dilation ? conv->dilation : 1;
        node->activation = conv->activation;
        node->weight = add_tensor(graph, conv->name, ".weight", 4, shape);
        node->bias = add_tensor(graph, conv->name, ".bias", 1, shape);
        buffer = graph_add_buffer(graph, in->buffer->dtype, in->channels,
                                  graph_strided(in->buffer->height, node->stride),
                                  graph_strided(in->buffer->width, node->stride));
        node->out = graph_add_view(graph, buffer, 0, in->channels);
        node->mac = (double)node->weight->count * pixels(node->out);
        return node->out;
}

const struct graph_view *graph_add(struct graph *graph, enum graph_op op, const struct graph_view *in,
                                   const struct graph_view *in2, const struct graph_view *out)
{
        struct graph_node *node = add_node(graph, op, in);

        node->in2 = in2;
        node->out = out;
        if (op == GRAPH_GRAM)
                node->mac = (double)in->channels * in2->channels * pixels(in);
        if (op == GRAPH_MATMUL)
                node->mac = (double)in2->channels * out->channels * pixels(out);
        return out;
}

static void touch(struct graph *graph, const struct graph_view *view, uint32_t node)
{
        struct graph_buffer *buffer;

        if (!view)
                return;
        buffer = &graph->buffers[view->buffer - graph->buffers];
        if (node < buffer->from)
                buffer->from = node;
        if (node > buffer->to)
                buffer->to = node;
}

/* A buffer is alive from its first writer to its last reader, whichever slices they touch. */
void graph_finish(struct graph *graph)
{
        for (uint32_t i = 0; i < graph->buffer_count; i++)
                graph->buffers[i].from = UINT32_MAX;
        for (uint32_t i = 0; i < graph->node_count; i++) {
                const struct graph_node *node = &graph->nodes[i];

                touch(graph, node->in, i);
                touch(graph, node->in2, i);
                touch(graph, node->residual, i);
                touch(graph, node->out, i);
        }
        touch(graph, graph->logits, graph->node_count - 1);
}

int graph_new(uint32_t capacity, struct graph **ret)
{
        struct graph *graph = calloc(1, sizeof *graph);

        if (!graph)
                return -ENOMEM;
        graph->capacity = capacity;
        graph->nodes = calloc(graph->capacity, sizeof *graph->nodes);
        graph->buffers = calloc(graph->capacity, sizeof *graph->buffers);
        graph->views = calloc(graph->capacity, sizeof *graph->views);
        graph->tensors = calloc(3 * (size_t)graph->capacity, sizeof *graph->tensors);
        if (!graph->nodes || !graph->buffers || !graph->views || !graph->tensors) {
                graph_free(graph);
                return -ENOMEM;
        }
        *ret = graph;
        return 0;
}

void graph_free(struct graph *graph)
{
        if (!graph)
                return;
        free(graph->nodes);
        free(graph->buffers);
        free(graph->views);
        free(graph->tensors);
        free(graph);
}

double graph_gmac(const struct graph *graph)
{
        double mac = 0;

        for (uint32_t i = 0; i < graph->node_count; i++)
                mac += graph->nodes[i].mac;
        return mac / 1e9;
}
