/* The graph as a table: figures, shapes and names; no map is read after it was overwritten. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph.h"
#include "model/network.h"
#include "model/plan.h"
#include "tests/cm.h"

static struct model_info resnet(unsigned depth, uint32_t height, uint32_t width)
{
        static const uint32_t basic[] = {2, 2, 2, 2};
        struct model_info info = {
                .block = MODEL_BOTTLENECK,
                .blocks = {3, 4, depth == 101 ? 23 : 6, 3},
                .stem = {64, 64, 128},
                .planes = {64, 128, 256, 512},
                .head = 512,
                .decoder = {256, 48},
                .height = height,
                .width = width,
                .classes = 19,
        };

        if (depth == 18) {
                info.block = MODEL_BASIC;
                memcpy(info.blocks, basic, sizeof basic);
                info.head = 128;
        }
        return info;
}

static struct graph *make(const struct model_info *info, enum gpu_dtype precision)
{
        struct graph *graph;

        assert_int_equal(network_new(info, precision, &graph), 0);
        return graph;
}

static bool has_suffix(const char *text, const char *suffix)
{
        return strlen(text) > strlen(suffix) && strcmp(text + strlen(text) - strlen(suffix), suffix) == 0;
}

static const struct graph_tensor *find_tensor(const struct graph *graph, const char *name)
{
        for (uint32_t i = 0; i < graph->tensor_count; i++)
                if (strcmp(graph->tensors[i].name, name) == 0)
                        return &graph->tensors[i];
        return NULL;
}

static const struct graph_node *find_node(const struct graph *graph, const char *weight)
{
        for (uint32_t i = 0; i < graph->node_count; i++)
                if (graph->nodes[i].weight && strcmp(graph->nodes[i].weight->name, weight) == 0)
                        return &graph->nodes[i];
        fail_msg("no node has %s", weight);
        return NULL;
}

/* The network's learned parameters.  Where a batch norm was folded into a convolution, its scale and shift count,
 * and not the bias that was made from them. */
static double learnt(const struct graph *graph)
{
        double count = 0;

        for (uint32_t i = 0; i < graph->node_count; i++) {
                const struct graph_node *node = &graph->nodes[i];
                const char *name;

                if (!node->weight)
                        continue;
                name = node->weight->name;
                count += (double)node->weight->count + (node->scale ? 1 : 0);
                if (strstr(name, "node_") || has_suffix(name, "conv4.weight"))
                        count += (double)node->bias->count;
                else if (has_suffix(name, ".out.0.weight"))
                        count += 3.0 * (double)node->bias->count;
                else
                        count += 2.0 * (double)node->bias->count;
        }
        return count / 1e6;
}

static void test_figures(void **state)
{
        static const struct {
                unsigned depth, size;
                double gmac, params;
        } figures[] = {
                {101, 473, 252.83, 68.06}, {101, 256, 72.00, 68.06}, {50, 473, 184.64, 49.07},
                {50, 256, 52.60, 49.07},   {18, 473, 56.45, 13.09},  {18, 256, 16.13, 13.09},
        };

        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
                struct model_info info = resnet(figures[i].depth, figures[i].size, figures[i].size);
                struct graph *graph = make(&info, GPU_F32);

                assert_true(fabs(graph_gmac(graph) - figures[i].gmac) < 0.00501);
                assert_true(fabs(learnt(graph) - figures[i].params) < 0.00501);
                graph_free(graph);
        }
        graph_free(NULL);
}

static void check_map(const struct graph_view *view, uint32_t channels, uint32_t height, uint32_t width)
{
        assert_int_equal(view->channels, channels);
        assert_int_equal(view->buffer->height, height);
        assert_int_equal(view->buffer->width, width);
}

static void test_shapes(void **state)
{
        static const struct {
                uint32_t height, width, stem[2], x2[2], x5[2], local[2];
        } cases[] = {
                {473, 473, {237, 237}, {119, 119}, {60, 60}, {8, 8}},
                {256, 256, {128, 128}, {64, 64}, {32, 32}, {4, 4}},
                {33, 33, {17, 17}, {9, 9}, {5, 5}, {1, 1}},
                {301, 475, {151, 238}, {76, 119}, {38, 60}, {5, 8}},
                {2048, 34, {1024, 17}, {512, 9}, {256, 5}, {32, 1}},
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct model_info info = resnet(101, cases[i].height, cases[i].width);
                const uint32_t *x2 = cases[i].x2, *x5 = cases[i].x5, *local = cases[i].local;
                struct graph *graph = make(&info, GPU_F32);

                check_map(graph->input, 4, info.height, info.width);
                check_map(find_node(graph, "conv3.weight")->out, 128, cases[i].stem[0], cases[i].stem[1]);
                check_map(find_node(graph, "layer1.2.conv3.weight")->out, 256, x2[0], x2[1]);
                check_map(find_node(graph, "layer2.0.downsample.0.weight")->out, 512, x5[0], x5[1]);
                check_map(find_node(graph, "layer3.22.conv3.weight")->out, 1024, x5[0], x5[1]);
                check_map(find_node(graph, "layer4.2.conv3.weight")->out, 2048, x5[0], x5[1]);
                check_map(find_node(graph, "context.dualgcn.local.4.weight")->out, 512, local[0], local[1]);
                check_map(find_node(graph, "context.bottleneck.0.weight")->in, 2560, x5[0], x5[1]);
                check_map(find_node(graph, "context.dualgcn.conv_adj.weight")->out, 128, 1, 256);
                check_map(find_node(graph, "context.dualgcn.conv_wg.weight")->out, 256, 1, 128);
                check_map(find_node(graph, "layer6.conv3.0.weight")->in, 304, x2[0], x2[1]);
                check_map(graph->logits, 20, x2[0], x2[1]);
                graph_free(graph);
        }
}

static void test_tensors(void **state)
{
        static const struct {
                const char *name;
                uint32_t rank, shape[4];
        } expected[] = {
                {"conv1.weight", 4, {64, 3, 3, 3}},
                {"conv1.bias", 1, {64}},
                {"layer1.0.downsample.0.weight", 4, {256, 128, 1, 1}},
                {"layer2.0.conv2.weight", 4, {128, 128, 3, 3}},
                {"layer4.2.conv3.bias", 1, {2048}},
                {"context.conva.0.weight", 4, {512, 2048, 3, 3}},
                {"context.dualgcn.local.0.weight", 4, {512, 1, 3, 3}},
                {"context.dualgcn.local.4.bias", 1, {512}},
                {"context.dualgcn.gcn_local_attention.node_k.weight", 4, {256, 512, 1, 1}},
                {"context.dualgcn.gcn_local_attention.node_v.bias", 1, {256}},
                {"context.dualgcn.gcn_local_attention.node_q.bias", 1, {256}},
                {"context.dualgcn.gcn_local_attention.conv_wg.weight", 3, {256, 256, 1}},
                {"context.dualgcn.gcn_local_attention.out.0.weight", 4, {512, 256, 1, 1}},
                {"context.dualgcn.gcn_local_attention.gamma", 1, {1}},
                {"context.dualgcn.phi.weight", 4, {256, 512, 1, 1}},
                {"context.dualgcn.theta.weight", 4, {128, 512, 1, 1}},
                {"context.dualgcn.conv_adj.weight", 3, {128, 128, 1}},
                {"context.dualgcn.conv_adj.bias", 1, {128}},
                {"context.dualgcn.conv_wg.weight", 3, {256, 256, 1}},
                {"context.dualgcn.conv3.weight", 4, {512, 256, 1, 1}},
                {"context.dualgcn.gamma1", 1, {1}},
                {"context.dualgcn.final.0.weight", 4, {512, 1024, 1, 1}},
                {"context.convb.0.weight", 4, {512, 512, 3, 3}},
                {"context.bottleneck.0.weight", 4, {512, 2560, 3, 3}},
                {"layer6.conv1.0.weight", 4, {256, 512, 1, 1}},
                {"layer6.conv2.0.weight", 4, {48, 256, 1, 1}},
                {"layer6.conv3.0.weight", 4, {256, 304, 1, 1}},
                {"layer6.conv3.2.weight", 4, {256, 256, 1, 1}},
                {"layer6.conv4.weight", 4, {19, 256, 1, 1}},
                {"layer6.conv4.bias", 1, {19}},
        };
        struct model_info info = resnet(101, 473, 473);
        struct graph *graph = make(&info, GPU_F32);

        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
                const struct graph_tensor *tensor = find_tensor(graph, expected[i].name);

                assert_non_null(tensor);
                assert_int_equal(tensor->rank, expected[i].rank);
                assert_memory_equal(tensor->shape, expected[i].shape, sizeof tensor->shape);
        }
        for (uint32_t i = 0; i < graph->tensor_count; i++)
                assert_ptr_equal(find_tensor(graph, graph->tensors[i].name), &graph->tensors[i]);
        /* 3 of the stem, 33 blocks of 3, 4 projections, 3 depthwise, 5 + 5 of the graphs, 4 of the head, 5 of the
         * decoder, and the two gammas. */
        assert_int_equal(graph->tensor_count, 2 * (3 + 33 * 3 + 4 + 3 + 5 + 5 + 4 + 5) + 2);
        graph_free(graph);
}

static void test_projections(void **state)
{
        struct model_info info = resnet(18, 64, 64);
        struct graph *graph = make(&info, GPU_F32);

        assert_non_null(find_tensor(graph, "layer1.0.downsample.0.weight")); /* 128 to 64 channels */
        assert_non_null(find_tensor(graph, "layer2.0.downsample.0.weight"));
        assert_null(find_tensor(graph, "layer2.1.downsample.0.weight"));
        assert_null(find_tensor(graph, "layer2.0.conv3.weight"));
        graph_free(graph);

        info.stem[2] = info.planes[0] = info.planes[1] = info.planes[2] = info.planes[3] = 64;
        graph = make(&info, GPU_F32);
        assert_null(find_tensor(graph, "layer1.0.downsample.0.weight"));
        assert_non_null(find_tensor(graph, "layer2.0.downsample.0.weight")); /* strides */
        assert_null(find_tensor(graph, "layer3.0.downsample.0.weight"));
        assert_null(find_tensor(graph, "layer4.0.downsample.0.weight"));
        graph_free(graph);
}

static void check_conv(const struct graph *graph, const char *name, uint32_t stride, uint32_t dilation,
                       enum gpu_activation activation, bool residual, bool relu)
{
        const struct graph_node *node = find_node(graph, name);

        assert_int_equal(node->stride, stride);
        assert_int_equal(node->dilation, dilation);
        assert_int_equal(node->activation, activation);
        assert_int_equal(node->residual != NULL, residual);
        assert_int_equal(node->relu, relu);
}

static void test_convolutions(void **state)
{
        struct model_info info = resnet(50, 100, 100);
        struct graph *graph = make(&info, GPU_F32);

        check_conv(graph, "conv1.weight", 2, 1, GPU_RELU, false, false);
        check_conv(graph, "conv2.weight", 1, 1, GPU_RELU, false, false);
        check_conv(graph, "layer2.0.conv1.weight", 1, 1, GPU_RELU, false, false);
        check_conv(graph, "layer2.0.conv2.weight", 2, 1, GPU_RELU, false, false);
        check_conv(graph, "layer2.1.conv2.weight", 1, 1, GPU_RELU, false, false);
        check_conv(graph, "layer2.0.conv3.weight", 1, 1, GPU_LEAKY, true, true);
        check_conv(graph, "layer2.0.downsample.0.weight", 2, 1, GPU_LEAKY, false, false);
        check_conv(graph, "layer3.0.conv2.weight", 1, 1, GPU_RELU, false, false);
        check_conv(graph, "layer4.0.conv2.weight", 1, 2, GPU_RELU, false, false);
        check_conv(graph, "layer4.2.conv2.weight", 1, 2, GPU_RELU, false, false);
        check_conv(graph, "layer4.0.downsample.0.weight", 1, 1, GPU_LEAKY, false, false);
        check_conv(graph, "context.dualgcn.gcn_local_attention.node_k.weight", 1, 1, GPU_LINEAR, false, false);
        check_conv(graph, "context.dualgcn.gcn_local_attention.conv_wg.weight", 1, 1, GPU_LINEAR, false, false);
        check_conv(graph, "context.dualgcn.gcn_local_attention.out.0.weight", 1, 1, GPU_LEAKY, true, false);
        check_conv(graph, "context.dualgcn.phi.weight", 1, 1, GPU_LEAKY, false, false);
        check_conv(graph, "context.dualgcn.conv_adj.weight", 1, 1, GPU_LINEAR, true, false);
        check_conv(graph, "context.dualgcn.conv3.weight", 1, 1, GPU_LEAKY, true, false);
        check_conv(graph, "layer6.conv4.weight", 1, 1, GPU_LINEAR, false, false);
        graph_free(graph);

        info = resnet(18, 100, 100);
        graph = make(&info, GPU_F32);
        check_conv(graph, "layer4.0.conv1.weight", 1, 2, GPU_RELU, false, false);
        check_conv(graph, "layer4.0.conv2.weight", 1, 2, GPU_LEAKY, true, true);
        check_conv(graph, "layer2.0.conv1.weight", 2, 1, GPU_RELU, false, false);
        check_conv(graph, "layer2.0.conv2.weight", 1, 1, GPU_LEAKY, true, true);
        graph_free(graph);
}

static uint64_t store_size(const struct graph_buffer *buffer)
{
        uint64_t pixels = (uint64_t)buffer->height * buffer->width;

        return (pixels + 31) / 32 * 32 * buffer->channels * (buffer->dtype == GPU_F16 ? 2 : 4);
}

static uint64_t place(const struct graph *graph, struct plan_item **ret)
{
        struct plan_item *items = calloc(graph->buffer_count, sizeof *items);
        uint64_t total;

        assert_non_null(items);
        for (uint32_t i = 0; i < graph->buffer_count; i++)
                items[i] = (struct plan_item){store_size(&graph->buffers[i]), graph->buffers[i].from,
                                              graph->buffers[i].to, 0};
        assert_int_equal(plan_place(items, graph->buffer_count, &total), 0);
        *ret = items;
        return total;
}

static void test_memory(void **state)
{
        static const unsigned depths[] = {18, 50, 101}, sizes[] = {256, 320, 473};

        for (size_t i = 0; i < 9; i++) {
                struct model_info info = resnet(depths[i / 3], sizes[i % 3], sizes[i % 3]);
                struct graph *graph = make(&info, GPU_F32);
                struct plan_item *items;
                uint64_t total = place(graph, &items);

                assert_true((double)total <= 1.05 * (double)plan_peak(items, graph->buffer_count));
                if (i == 8) /* 998 MB if nothing were reused */
                        assert_true(total < 63000000);
                free(items);
                graph_free(graph);
        }
}

/* ---- nodes read what they are meant to read ---- */

/* For each buffer and group of 4 channels: 1 + the node that wrote it last. */
struct memory {
        const struct graph *graph;
        uint32_t **writer;
};

static uint32_t *groups_of(const struct memory *memory, const struct graph_view *view)
{
        return memory->writer[view->buffer - memory->graph->buffers] + view->first / 4;
}

static int writer_of(const struct graph *graph, const struct graph_view *view)
{
        for (uint32_t i = 0; i < graph->node_count; i++)
                if (graph->nodes[i].out == view)
                        return (int)i;
        return -1;
}

/* A view that a node made still has that node's result.  One that no node made is the network's input, or a
 * concatenation, all of which has been written by two nodes and is not overwritten later. */
static void check_read(const struct memory *memory, uint32_t node, const struct graph_view *view)
{
        int writer;
        uint32_t *groups, changes = 0;

        if (!view)
                return;
        assert_true(view->buffer->from <= node && node <= view->buffer->to);
        assert_true(view->first % 4 == 0 && view->channels % 4 == 0 && view->channels > 0);
        assert_true(view->first + view->channels <= view->buffer->channels);
        if (view == memory->graph->input)
                return;
        writer = writer_of(memory->graph, view);
        groups = groups_of(memory, view);
        for (uint32_t i = 0; i < view->channels / 4; i++) {
                assert_int_not_equal(groups[i], 0);
                if (writer >= 0)
                        assert_int_equal(groups[i], writer + 1);
                else if (i > 0 && groups[i] != groups[i - 1])
                        changes++;
        }
        if (writer < 0) {
                assert_int_equal(changes, 1);
                assert_int_equal(view->channels, view->buffer->channels);
                for (uint32_t i = node; i < memory->graph->node_count; i++)
                        assert_ptr_not_equal(memory->graph->nodes[i].out->buffer, view->buffer);
        }
}

static bool overlap(const struct graph_view *a, const struct graph_view *b)
{
        return a && b && a->buffer == b->buffer && a->first < b->first + b->channels &&
               b->first < a->first + a->channels;
}

static bool same_place(const struct graph_view *a, const struct graph_view *b)
{
        return a->buffer == b->buffer && a->first == b->first && a->channels == b->channels;
}

/* Only a residual, or a softmax's input, may be in the place of the output. */
static void check_aliases(const struct graph_node *node)
{
        if (node->op == GRAPH_SOFTMAX)
                assert_true(same_place(node->in, node->out));
        else
                assert_false(overlap(node->in, node->out));
        assert_false(overlap(node->in2, node->out));
        if (!node->residual)
                return;
        assert_true(same_place(node->residual, node->out) || !overlap(node->residual, node->out));
        assert_int_equal(node->residual->channels, node->out->channels);
        assert_int_equal(node->residual->buffer->height, node->out->buffer->height);
        assert_int_equal(node->residual->buffer->width, node->out->buffer->width);
        assert_int_equal(node->residual->buffer->dtype, node->out->buffer->dtype);
}

static void check_flow(const struct graph *graph)
{
        struct memory memory = {graph, calloc(graph->buffer_count, sizeof(uint32_t *))};

        assert_non_null(memory.writer);
        for (uint32_t i = 0; i < graph->buffer_count; i++)
                memory.writer[i] = calloc(graph->buffers[i].channels / 4, sizeof(uint32_t));
        for (uint32_t i = 0; i < graph->node_count; i++) {
                const struct graph_node *node = &graph->nodes[i];
                uint32_t *groups = groups_of(&memory, node->out);

                check_read(&memory, i, node->in);
                check_read(&memory, i, node->in2);
                check_read(&memory, i, node->residual);
                assert_true(node->out->buffer->from <= i && i <= node->out->buffer->to);
                check_aliases(node);
                for (uint32_t j = 0; j < node->out->channels / 4; j++)
                        groups[j] = i + 1;
        }
        check_read(&memory, graph->node_count - 1, graph->logits);
        for (uint32_t i = 0; i < graph->buffer_count; i++)
                free(memory.writer[i]);
        free(memory.writer);
}

/* Buffers that are alive at the same time never overlap; see test-plan.c for the rest. */
static void check_places(const struct graph *graph)
{
        struct plan_item *items;

        place(graph, &items);
        for (uint32_t i = 0; i < graph->buffer_count; i++)
                for (uint32_t j = 0; j < i; j++)
                        if (graph->buffers[i].from <= graph->buffers[j].to &&
                            graph->buffers[j].from <= graph->buffers[i].to)
                                assert_true(items[i].offset + items[i].size <= items[j].offset ||
                                            items[j].offset + items[j].size <= items[i].offset);
        assert_int_equal(graph->input->buffer->from, 0);
        assert_int_equal(graph->logits->buffer->to, graph->node_count - 1);
        free(items);
}

static bool is_copy(const struct graph_node *node)
{
        return node->op == GRAPH_UPSAMPLE && node->in->buffer->height == node->out->buffer->height &&
               node->in->buffer->width == node->out->buffer->width;
}

/* What a node's result is used as: itself, or its copy in a concatenation. */
static const struct graph_view *copied(const struct graph *graph, const struct graph_view *out)
{
        for (uint32_t i = 0; i < graph->node_count; i++)
                if (graph->nodes[i].in == out && is_copy(&graph->nodes[i]))
                        return graph->nodes[i].out;
        return out;
}

/* The maps that two nodes write side by side are those that the paper concatenates. */
static void check_concatenations(const struct graph *graph, const char *last)
{
        static const char *const second[][2] = {
                {"context.bottleneck.0.weight", "context.convb.0.weight"},
                {"context.dualgcn.final.0.weight", "context.dualgcn.conv3.weight"},
                {"layer6.conv3.0.weight", "layer6.conv2.0.weight"},
        };
        const struct graph_view *wide = find_node(graph, "context.bottleneck.0.weight")->in;
        const struct graph_view *x5 = find_node(graph, last)->out;

        for (size_t i = 0; i < 3; i++) {
                const struct graph_view *in = find_node(graph, second[i][0])->in;
                const struct graph_view *out = copied(graph, find_node(graph, second[i][1])->out);

                assert_ptr_equal(in->buffer, out->buffer);
                assert_int_equal(out->first + out->channels, in->channels);
        }
        assert_ptr_equal(x5->buffer, wide->buffer);
        assert_int_equal(x5->first, 0);
        for (uint32_t i = 0; i < graph->node_count; i++)
                if (graph->nodes[i].op == GRAPH_GATE ||
                    (graph->nodes[i].op == GRAPH_UPSAMPLE && !is_copy(&graph->nodes[i])))
                        assert_int_equal(graph->nodes[i].out->first, 0);
}

static void test_flow(void **state)
{
        for (enum gpu_dtype precision = GPU_F32; precision <= GPU_F16; precision++)
                for (int i = 0; i < 5; i++) {
                        struct model_info info = resnet(i == 1 || i == 3 ? 18 : i == 0 ? 101 : 50, 100 + i, 77);
                        struct graph *graph;

                        /* Without projections, the first block of layer 4 adds from outside the concatenation. */
                        if (i == 3)
                                info.stem[2] = info.planes[0] = info.planes[1] = info.planes[2] = info.planes[3];
                        if (i == 4)
                                info.planes[2] = info.planes[3] = info.planes[1];
                        if (i >= 3)
                                for (size_t j = 0; j < 4; j++)
                                        info.blocks[j] = 1;
                        graph = make(&info, precision);
                        check_flow(graph);
                        check_places(graph);
                        check_concatenations(graph, i == 3   ? "layer4.0.conv2.weight"
                                                    : i == 4 ? "layer4.0.conv3.weight"
                                                    : i == 1 ? "layer4.1.conv2.weight"
                                                             : "layer4.2.conv3.weight");
                        graph_free(graph);
                }
}

/* The first layers of an EfficientNet-Lite0, and the same with a first block that adds: nothing that the decoder
 * still reads may be overwritten. */
static struct model_info inverted(uint32_t third, uint32_t levels)
{
        struct model_info info = {
                .block = MODEL_INVERTED,
                .inverted = {.stem = 32,
                             .layer_count = 5,
                             .level_count = levels,
                             .layers = {{3, 1, 1, 1, 16, 1},
                                        {3, 2, 1, 6, 24, 2},
                                        {5, 2, 1, 6, third, 2},
                                        {3, 2, 1, 6, 80, 3},
                                        {5, 1, 1, 6, third == 40 ? 112 : 80, 3}},
                             .levels = {{64, 48, 5}, {64, 24, 5}, {32, 16, 3}}},
                .head = 96,
                .height = 256,
                .width = 250,
                .classes = 20,
        };

        return info;
}

static void test_inverted(void **state)
{
        struct model_info info = inverted(40, 2);
        struct graph *graph = make(&info, GPU_F32);
        const struct graph_node *depthwise = find_node(graph, "layer3.0.conv2.weight");

        /* The numbers of model/training/arches.py at 256 x 256, here with a width of 250. */
        assert_true(graph_gmac(graph) > 0.48 && graph_gmac(graph) < 0.5009);
        assert_int_equal(depthwise->op, GRAPH_DEPTHWISE);
        assert_int_equal(depthwise->kernel, 5);
        assert_int_equal(depthwise->activation, GPU_RELU6);
        check_map(depthwise->out, 144, 32, 32);
        assert_null(find_tensor(graph, "layer1.0.conv1.weight"));
        assert_ptr_equal(find_node(graph, "layer3.1.conv3.weight")->residual,
                         find_node(graph, "layer3.1.conv1.weight")->in);
        assert_int_equal(find_node(graph, "layer3.0.conv3.weight")->activation, GPU_LINEAR);
        check_map(graph->logits, 20, 64, 63);
        assert_ptr_equal(find_node(graph, "decoder.levels.0.conv1.weight")->in,
                         find_node(graph, "layer3.1.conv3.weight")->out);
        assert_ptr_equal(find_node(graph, "decoder.levels.1.conv1.weight")->in,
                         find_node(graph, "layer2.1.conv3.weight")->out);
        graph_free(graph);

        for (enum gpu_dtype precision = GPU_F32; precision <= GPU_F16; precision++)
                for (uint32_t levels = 1; levels <= 3; levels++) {
                        info = inverted(levels == 3 ? 24 : 40, levels);
                        graph = make(&info, precision);
                        check_flow(graph);
                        check_places(graph);
                        graph_free(graph);
                }
}

static void test_largest(void **state)
{
        struct model_info info = resnet(101, 2048, 2048);
        struct plan_item *items;
        struct graph *graph;

        for (size_t i = 0; i < 4; i++) {
                info.blocks[i] = 64;
                info.planes[i] = 4096;
        }
        info.stem[0] = info.stem[1] = info.stem[2] = info.head = info.decoder[0] = info.decoder[1] = 4096;
        graph = make(&info, GPU_F32);
        check_flow(graph);
        assert_true(place(graph, &items) > 1ULL << 33);
        free(items);
        graph_free(graph);
}

static void test_precision(void **state)
{
        struct model_info info = resnet(50, 473, 473);
        struct graph *graph = make(&info, GPU_F16);

        assert_int_equal(graph->input->buffer->dtype, GPU_F16);
        assert_int_equal(graph->logits->buffer->dtype, GPU_F32);
        for (uint32_t i = 0; i < graph->node_count; i++) {
                const struct graph_node *node = &graph->nodes[i];
                bool product = node->op == GRAPH_GRAM || node->op == GRAPH_MATMUL;

                if (product)
                        assert_int_equal(node->in2->buffer->dtype, GPU_F32);
                if (product || node->op == GRAPH_SOFTMAX || node->op == GRAPH_TRANSPOSE) {
                        assert_int_equal(node->in->buffer->dtype, GPU_F32);
                        assert_int_equal(node->out->buffer->dtype, GPU_F32);
                } else if (node->weight && strncmp(node->weight->name, "context.dualgcn.", 16) != 0 &&
                           node->out != graph->logits)
                        assert_int_equal(node->out->buffer->dtype, GPU_F16);
        }
        assert_int_equal(find_node(graph, "context.dualgcn.conv3.weight")->out->buffer->dtype, GPU_F16);
        assert_int_equal(find_node(graph, "context.dualgcn.local.0.weight")->out->buffer->dtype, GPU_F16);
        graph_free(graph);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_figures),      cmocka_unit_test(test_shapes),
                cmocka_unit_test(test_tensors),      cmocka_unit_test(test_projections),
                cmocka_unit_test(test_convolutions), cmocka_unit_test(test_memory),
                cmocka_unit_test(test_flow),         cmocka_unit_test(test_largest),
                cmocka_unit_test(test_precision),    cmocka_unit_test(test_inverted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
