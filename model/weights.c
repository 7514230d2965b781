#include <errno.h>
#include <stdlib.h>

#include "model/build.h"

#define ALIGNMENT 256

struct gpu_conv weights_conv(const struct graph_node *node)
{
        const struct graph_view *in = node->in;

        return (struct gpu_conv){
                .in = in->channels,
                .out = node->weight->shape[0],
                .kernel = node->kernel,
                .stride = node->stride,
                .dilation = node->dilation,
                .height = in->buffer->height,
                .width = in->buffer->width,
                /* Weights have the precision of the map they apply to: the graph branches use 32 bits throughout. */
                .dtype = in->buffer->dtype,
                .depthwise = node->op == GRAPH_DEPTHWISE,
        };
}

/* Chooses the algorithm of every node, and computes its place in the buffer, whose size is *ret. */
static int lay_out(const struct gpu *gpu, const struct graph *graph, struct weights_node *nodes, uint64_t *ret)
{
        uint64_t size = 0;

        for (uint32_t i = 0; i < graph->node_count; i++) {
                const struct graph_node *node = &graph->nodes[i];

                nodes[i].scale = 1;
                if (!node->weight)
                        continue;
                nodes[i].conv = weights_conv(node);
                int r = gpu_conv_choose(gpu, &nodes[i].conv);
                if (r < 0)
                        return r;
                nodes[i].offset = size;
                size += (gpu_conv_weights_size(&nodes[i].conv) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        *ret = size;
        return 0;
}

static int upload_node(const struct graph_node *node, const struct weights_source *source, struct gpu_buffer *buffer,
                       struct weights_node *ret)
{
        uint64_t size = gpu_conv_weights_size(&ret->conv);
        float *weight = NULL, *bias = NULL, *scale = NULL;
        void *packed = malloc(size);
        int r = packed ? 0 : -ENOMEM;

        if (r == 0)
                r = source->tensor(source->context, node->weight, &weight);
        if (r == 0)
                r = source->tensor(source->context, node->bias, &bias);
        if (r == 0 && node->scale)
                r = source->tensor(source->context, node->scale, &scale);
        if (r == 0) {
                gpu_conv_weights_pack(&ret->conv, node->weight->shape[1], weight, bias, packed);
                if (scale)
                        ret->scale = *scale;
                r = gpu_buffer_write(buffer, ret->offset, packed, size);
        }
        free(weight);
        free(bias);
        free(scale);
        free(packed);
        return r;
}

int weights_upload(struct gpu *gpu, const struct graph *graph, const struct weights_source *source,
                   struct gpu_buffer **ret, struct weights_node **ret_nodes)
{
        struct weights_node *nodes = calloc(graph->node_count, sizeof *nodes);
        struct gpu_buffer *buffer = NULL;
        uint64_t size;
        int r;

        if (!nodes)
                return -ENOMEM;
        r = lay_out(gpu, graph, nodes, &size);
        if (r == 0)
                r = gpu_buffer_new(gpu, size, GPU_MEMORY_DEVICE, "weights", &buffer);
        for (uint32_t i = 0; r == 0 && i < graph->node_count; i++)
                if (graph->nodes[i].weight)
                        r = upload_node(&graph->nodes[i], source, buffer, &nodes[i]);
        if (r < 0) {
                gpu_buffer_free(buffer);
                free(nodes);
                return r;
        }
        *ret = buffer;
        *ret_nodes = nodes;
        return 0;
}
