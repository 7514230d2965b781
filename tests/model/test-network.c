/* The graph, computed by simple loops in one planned arena, against PyTorch's answer: the table describes the
 * network correctly. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/answer.h"
#include "model/network.h"
#include "model/plan.h"
#include "tests/cm.h"

static float *arena;
static struct plan_item *items;
static struct graph *graph;
static const struct answer *answer;

/* Here the channels of a buffer lie one after the other, without blocks or groups. */
static float *at(const struct graph_view *value, uint32_t channel)
{
        const struct graph_buffer *buffer = value->buffer;

        return arena + items[buffer - graph->buffers].offset / sizeof(float) +
               (size_t)(value->first + channel) * buffer->height * buffer->width;
}

static uint32_t pixels(const struct graph_view *value)
{
        return value->buffer->height * value->buffer->width;
}

static float *tensor(const struct graph_tensor *tensor)
{
        float *values;

        assert_int_equal(answer_tensor(&answer->info, tensor, &values), 0);
        return values;
}

static double activate(enum gpu_activation activation, double x)
{
        static const double slopes[] = {[GPU_LINEAR] = 1, [GPU_RELU] = 0, [GPU_LEAKY] = 0.01, [GPU_RELU6] = 0};

        if (activation == GPU_RELU6 && x > 6)
                return 6;
        return x > 0 ? x : x * slopes[activation];
}

/* One output value of a convolution with one plane of one kernel. */
static double window(const struct graph_node *node, const float *plane, const float *kernel, uint32_t y, uint32_t x)
{
        const struct graph_buffer *in = node->in->buffer;
        double sum = 0;

        for (uint32_t ky = 0; ky < node->kernel; ky++)
                for (uint32_t kx = 0; kx < node->kernel; kx++) {
                        int64_t sy = (int64_t)y * node->stride + ((int64_t)ky - node->kernel / 2) * node->dilation;
                        int64_t sx = (int64_t)x * node->stride + ((int64_t)kx - node->kernel / 2) * node->dilation;

                        if (sy >= 0 && sx >= 0 && sy < in->height && sx < in->width)
                                sum += (double)plane[sy * in->width + sx] * kernel[ky * node->kernel + kx];
                }
        return sum;
}

static void run_conv(const struct graph_node *node)
{
        float *weight = tensor(node->weight), *bias = tensor(node->bias);
        float *scale = node->scale ? tensor(node->scale) : NULL;
        uint32_t in = node->op == GRAPH_DEPTHWISE ? 1 : node->weight->shape[1], taps = node->kernel * node->kernel;
        uint32_t width = node->out->buffer->width;

        for (uint32_t o = 0; o < node->weight->shape[0]; o++)
                for (uint32_t n = 0; n < pixels(node->out); n++) {
                        double sum = bias[o];

                        for (uint32_t i = 0; i < in; i++)
                                sum += window(node, at(node->in, node->op == GRAPH_DEPTHWISE ? o : i),
                                              weight + ((size_t)o * in + i) * taps, n / width, n % width);
                        sum = activate(node->activation, sum) * (scale ? *scale : 1);
                        if (node->residual)
                                sum += at(node->residual, o)[n];
                        at(node->out, o)[n] = (float)(node->relu && sum < 0 ? 0 : sum);
                }
        free(weight);
        free(bias);
        free(scale);
}

static void run_maxpool(const struct graph_node *node)
{
        const struct graph_buffer *in = node->in->buffer, *out = node->out->buffer;

        for (uint32_t c = 0; c < node->out->channels; c++)
                for (uint32_t n = 0; n < pixels(node->out); n++) {
                        float most = -INFINITY;

                        for (int dy = -1; dy <= 1; dy++)
                                for (int dx = -1; dx <= 1; dx++) {
                                        int y = (int)(n / out->width) * 2 + dy, x = (int)(n % out->width) * 2 + dx;

                                        if (y >= 0 && x >= 0 && y < (int)in->height && x < (int)in->width)
                                                most = fmaxf(most, at(node->in, c)[(uint32_t)y * in->width + x]);
                                }
                        at(node->out, c)[n] = most;
                }
}

/* Pixel `n` of a map of `width` x `height`, corners aligned. */
static double sample(const float *plane, uint32_t in_height, uint32_t in_width, uint32_t height, uint32_t width,
                     uint32_t n)
{
        double y = height > 1 ? (double)(n / width) * (in_height - 1) / (height - 1) : 0;
        double x = width > 1 ? (double)(n % width) * (in_width - 1) / (width - 1) : 0;
        uint32_t y0 = (uint32_t)y, x0 = (uint32_t)x;
        uint32_t y1 = y0 + 1 < in_height ? y0 + 1 : y0, x1 = x0 + 1 < in_width ? x0 + 1 : x0;
        double top = plane[y0 * in_width + x0] * (1 - (x - x0)) + plane[y0 * in_width + x1] * (x - x0);
        double low = plane[y1 * in_width + x0] * (1 - (x - x0)) + plane[y1 * in_width + x1] * (x - x0);

        return top * (1 - (y - y0)) + low * (y - y0);
}

static double resized(const struct graph_view *value, uint32_t channel, uint32_t height, uint32_t width, uint32_t n)
{
        return sample(at(value, channel), value->buffer->height, value->buffer->width, height, width, n);
}

static void run_upsample(const struct graph_node *node)
{
        const struct graph_buffer *out = node->out->buffer;

        for (uint32_t c = 0; c < node->out->channels; c++)
                for (uint32_t n = 0; n < pixels(node->out); n++)
                        at(node->out, c)[n] = (float)resized(node->in, c, out->height, out->width, n);
}

static void run_gate(const struct graph_node *node)
{
        const struct graph_buffer *out = node->out->buffer;

        for (uint32_t c = 0; c < node->out->channels; c++)
                for (uint32_t n = 0; n < pixels(node->out); n++) {
                        double x = at(node->in, c)[n];

                        at(node->out, c)[n] = (float)(x * resized(node->in2, c, out->height, out->width, n) + x);
                }
}

static void run_gram(const struct graph_node *node)
{
        for (uint32_t i = 0; i < node->in->channels; i++)
                for (uint32_t j = 0; j < node->in2->channels; j++) {
                        double sum = 0;

                        for (uint32_t n = 0; n < pixels(node->in); n++)
                                sum += (double)at(node->in, i)[n] * at(node->in2, j)[n];
                        at(node->out, j)[i] = (float)sum;
                }
}

static void run_softmax(const struct graph_node *node)
{
        for (uint32_t n = 0; n < pixels(node->in); n++) {
                double most = -INFINITY, sum = 0;

                for (uint32_t c = 0; c < node->in->channels; c++)
                        most = fmax(most, at(node->in, c)[n]);
                for (uint32_t c = 0; c < node->in->channels; c++)
                        sum += exp(at(node->in, c)[n] - most);
                for (uint32_t c = 0; c < node->in->channels; c++)
                        at(node->out, c)[n] = (float)(exp(at(node->in, c)[n] - most) / sum);
        }
}

static void run_transpose(const struct graph_node *node)
{
        assert_int_equal(pixels(node->in), node->out->channels);
        assert_int_equal(pixels(node->out), node->in->channels);
        for (uint32_t c = 0; c < node->in->channels; c++)
                for (uint32_t n = 0; n < pixels(node->in); n++)
                        at(node->out, n)[c] = at(node->in, c)[n];
}

static void run_matmul(const struct graph_node *node)
{
        assert_int_equal(pixels(node->in), node->in2->channels);
        assert_int_equal(node->in->channels, node->out->channels);
        for (uint32_t m = 0; m < node->out->channels; m++)
                for (uint32_t n = 0; n < pixels(node->out); n++) {
                        double sum = 0;

                        for (uint32_t k = 0; k < node->in2->channels; k++)
                                sum += (double)at(node->in, m)[k] * at(node->in2, k)[n];
                        at(node->out, m)[n] = (float)sum;
                }
}

static void (*const run[GRAPH_OPS])(const struct graph_node *node) = {
        [GRAPH_CONV] = run_conv,         [GRAPH_DEPTHWISE] = run_conv,      [GRAPH_MAXPOOL] = run_maxpool,
        [GRAPH_UPSAMPLE] = run_upsample, [GRAPH_GATE] = run_gate,           [GRAPH_GRAM] = run_gram,
        [GRAPH_SOFTMAX] = run_softmax,   [GRAPH_TRANSPOSE] = run_transpose, [GRAPH_MATMUL] = run_matmul,
};

/* The picture has the input's size, so that nothing is resampled. */
static void fill_input(void)
{
        const struct model_info *info = &answer->info;
        uint8_t *picture = malloc((size_t)info->height * info->width * 4);

        assert_non_null(picture);
        answer_picture(info, picture);
        for (uint32_t c = 0; c < 3; c++)
                for (uint32_t n = 0; n < pixels(graph->input); n++)
                        at(graph->input, c)[n] =
                                (picture[n * 4 + (info->bgr ? 2 - c : c)] / 255.0f - info->mean[c]) / info->std[c];
        free(picture);
}

static void plan(void)
{
        uint64_t size;

        items = calloc(graph->buffer_count, sizeof *items);
        assert_non_null(items);
        for (uint32_t i = 0; i < graph->buffer_count; i++) {
                const struct graph_buffer *s = &graph->buffers[i];

                items[i] = (struct plan_item){(uint64_t)s->channels * s->height * s->width * sizeof(float), s->from,
                                              s->to, 0};
        }
        assert_int_equal(plan_place(items, graph->buffer_count, &size), 0);
        arena = malloc(size);
        assert_non_null(arena);
        /* NaN, which spreads if anything is read before it is written. */
        memset(arena, 0xff, size);
}

/* Otherwise the answer would not show whether the activation clips. */
static void assert_clipped(const struct graph_node *node)
{
        uint32_t count = pixels(node->out), low = 0, high = 0;

        for (uint32_t c = 0; c < node->out->channels; c++)
                for (uint32_t n = 0; n < count; n++) {
                        low += at(node->out, c)[n] == 0;
                        high += at(node->out, c)[n] == 6;
                }
        assert_in_range(low, 1, count * node->out->channels - high - 1);
        assert_in_range(high, 1, count * node->out->channels);
}

static void run_nodes(void)
{
        for (uint32_t i = 0; i < graph->node_count; i++) {
                const struct graph_node *node = &graph->nodes[i];

                run[node->op](node);
                if (node->activation == GPU_RELU6)
                        assert_clipped(node);
        }
}

static void check_points(void)
{
        const struct model_info *info = &answer->info;

        for (unsigned n = 0; n < ANSWER_POINTS; n++) {
                size_t index = answer_index(info, n), plane = (size_t)info->height * info->width;
                double value = resized(graph->logits, (uint32_t)(index / plane), info->height, info->width,
                                       (uint32_t)(index % plane));

                if (!(fabs(value - answer->points[n]) <= 1e-5 * answer->peak))
                        fail_msg("point %u is %f, must be %f", n, value, (double)answer->points[n]);
        }
}

static void check_peak(void)
{
        float peak = 0;

        for (uint32_t c = 0; c < answer->info.classes; c++)
                for (uint32_t n = 0; n < pixels(graph->logits); n++)
                        peak = fmaxf(peak, fabsf(at(graph->logits, c)[n]));
        assert_true(peak > 0.5f * answer->peak && peak < 2 * answer->peak);
}

static void test_answer(void **state)
{
        answer = *state;
        assert_int_equal(network_new(&answer->info, GPU_F32, &graph), 0);
        plan();
        fill_input();
        run_nodes();
        check_points();
        check_peak();
        graph_free(graph);
        free(items);
        free(arena);
}

int main(void)
{
        struct CMUnitTest tests[ANSWER_COUNT];

        for (size_t i = 0; i < ANSWER_COUNT; i++)
                tests[i] = (struct CMUnitTest){
                        .name = answers[i].info.name,
                        .test_func = test_answer,
                        .initial_state = (void *)&answers[i],
                };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
