#include <errno.h>
#include <string.h>

#include "model/graph.h"
#include "model/network.h"
#include "model/plan.h"
#include "tests/fuzz/fuzz.h"

static void check_tensors(const struct graph *graph)
{
        for (uint32_t i = 0; i < graph->tensor_count; i++) {
                const struct graph_tensor *tensor = &graph->tensors[i];
                size_t count = 1;

                MUST(tensor->rank >= 1 && tensor->rank <= 4);
                for (uint32_t k = 0; k < tensor->rank; k++)
                        MUST(tensor->shape[k] >= 1 && !__builtin_mul_overflow(count, tensor->shape[k], &count));
                MUST(tensor->count == count);
                MUST(memchr(tensor->name, '\0', sizeof tensor->name) && *tensor->name);
        }
}

static void check_view(const struct graph *graph, const struct graph_view *view, uint32_t node)
{
        const struct graph_buffer *buffer;

        if (!view)
                return;
        buffer = view->buffer;
        MUST(buffer >= graph->buffers && buffer < graph->buffers + graph->buffer_count);
        MUST(view->channels >= 4 && view->channels % 4 == 0 && view->first % 4 == 0);
        MUST(view->first + view->channels <= buffer->channels);
        MUST(buffer->from <= node && node <= buffer->to && buffer->to < graph->node_count);
        MUST(buffer->height >= 1 && buffer->width >= 1);
}

static void check_nodes(const struct graph *graph)
{
        for (uint32_t i = 0; i < graph->node_count; i++) {
                const struct graph_node *node = &graph->nodes[i];

                MUST(node->in && node->out);
                check_view(graph, node->in, i);
                check_view(graph, node->in2, i);
                check_view(graph, node->residual, i);
                check_view(graph, node->out, i);
        }
}

/* What is alive at the same time does not overlap. */
static void check_plan(const struct plan_item *items, size_t count, uint64_t total)
{
        for (size_t i = 0; i < count; i++) {
                const struct plan_item *a = &items[i];

                MUST(a->offset % PLAN_ALIGNMENT == 0 && a->offset <= total && a->size <= total - a->offset);
                for (size_t j = 0; j < i; j++) {
                        const struct plan_item *b = &items[j];

                        MUST(a->to < b->from || b->to < a->from || a->offset + a->size <= b->offset ||
                             b->offset + b->size <= a->offset);
                }
        }
        MUST(total >= plan_peak(items, count));
}

static void plan_stores(const struct graph *graph)
{
        struct plan_item *items = calloc(graph->buffer_count, sizeof *items);
        uint64_t total;

        MUST(items);
        for (uint32_t i = 0; i < graph->buffer_count; i++) {
                const struct graph_buffer *buffer = &graph->buffers[i];

                items[i].size = gpu_map_size(buffer->dtype, buffer->channels, buffer->height, buffer->width);
                items[i].from = buffer->from;
                items[i].to = buffer->to;
        }
        if (plan_place(items, graph->buffer_count, &total) == 0)
                check_plan(items, graph->buffer_count, total);
        free(items);
}

void network_check(const struct model_info *info)
{
        for (int precision = GPU_F32; precision <= GPU_F16; precision++) {
                struct graph *graph;

                MUST(network_new(info, (enum gpu_dtype)precision, &graph) == 0);
                check_tensors(graph);
                check_nodes(graph);
                plan_stores(graph);
                graph_free(graph);
        }
}
