#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/build.h"
#include "model/network.h"
#include "model/parser.h"
#include "model/why.h"

static struct gpu_map map_of(const struct parser *parser, const struct graph_view *view)
{
        const struct graph_buffer *buffer = view->buffer;

        return (struct gpu_map){
                .buffer = parser->arena,
                .offset = parser->places[buffer - parser->graph->buffers].offset,
                .dtype = buffer->dtype,
                .channels = view->channels,
                .height = buffer->height,
                .width = buffer->width,
                .stride = buffer->channels,
                .first = view->first,
        };
}

/* ---- from nodes to operators ---- */

struct step {
        struct parser *parser;
        struct gpu_program *program;
        const struct graph_node *node;
        const struct weights_node *weights;
        struct gpu_map in, in2, out;
        uint64_t workspace;
};

static int record_conv(const struct step *step)
{
        const struct graph_node *node = step->node;
        struct gpu_map residual = {0};

        if (node->residual)
                residual = map_of(step->parser, node->residual);
        return op_conv(step->program, &(struct op_conv){
                                              .conv = step->weights->conv,
                                              .in = step->in,
                                              .out = step->out,
                                              .weights = step->parser->weights,
                                              .weights_offset = step->weights->offset,
                                              .workspace = step->parser->arena,
                                              .workspace_offset = step->workspace,
                                              .activation = node->activation,
                                              .scale = step->weights->scale,
                                              .residual = node->residual ? &residual : NULL,
                                              .relu = node->relu,
                                      });
}

static int record_maxpool(const struct step *step)
{
        return op_maxpool(step->program, &step->in, &step->out);
}

static int record_upsample(const struct step *step)
{
        return op_upsample(step->program, &step->in, &step->out);
}

static int record_gate(const struct step *step)
{
        return op_gate(step->program, &step->in, &step->in2, &step->out);
}

static int record_gram(const struct step *step)
{
        return op_gram(step->program, &step->in, &step->in2, &step->out);
}

static int record_softmax(const struct step *step)
{
        return op_softmax(step->program, &step->in, &step->out);
}

static int record_transpose(const struct step *step)
{
        return op_transpose(step->program, &step->in, &step->out);
}

static int record_matmul(const struct step *step)
{
        return op_matmul(step->program, &step->in, &step->in2, &step->out, step->parser->arena, step->workspace);
}

static const struct {
        const char *name;
        int (*record)(const struct step *step);
} kinds[GRAPH_OPS] = {
        [GRAPH_CONV] = {"conv", record_conv},          [GRAPH_DEPTHWISE] = {"depthwise", record_conv},
        [GRAPH_MAXPOOL] = {"maxpool", record_maxpool}, [GRAPH_UPSAMPLE] = {"upsample", record_upsample},
        [GRAPH_GATE] = {"gate", record_gate},          [GRAPH_GRAM] = {"gram", record_gram},
        [GRAPH_SOFTMAX] = {"softmax", record_softmax}, [GRAPH_TRANSPOSE] = {"transpose", record_transpose},
        [GRAPH_MATMUL] = {"matmul", record_matmul},
};

const char *parser_kind(enum graph_op op)
{
        return kinds[op].name;
}

static int record_node(struct parser *parser, struct gpu_program *program, uint32_t i)
{
        const struct graph *graph = parser->graph;
        const struct graph_node *node = &graph->nodes[i];
        struct step step = {
                .parser = parser,
                .program = program,
                .node = node,
                .weights = &parser->nodes[i],
                .in = map_of(parser, node->in),
                .out = map_of(parser, node->out),
                .workspace = parser->places[graph->buffer_count + i].offset,
        };

        if (node->in2)
                step.in2 = map_of(parser, node->in2);
        return kinds[node->op].record(&step);
}

static int record_nodes(struct parser *parser, struct gpu_program *program)
{
        int r = 0;

        for (uint32_t i = 0; r == 0 && i < parser->graph->node_count; i++)
                r = record_node(parser, program, i);
        return r;
}

/* ---- building ---- */

static uint64_t workspace_size(const struct parser *parser, uint32_t node)
{
        const struct graph_node *n = &parser->graph->nodes[node];

        if (n->weight)
                return gpu_conv_workspace_size(&parser->nodes[node].conv);
        if (n->op == GRAPH_MATMUL)
                return gpu_matmul_workspace_size(parser->gpu, n->out->channels, n->in2->channels);
        return 0;
}

static int allocate(struct parser *parser)
{
        const struct graph *graph = parser->graph;
        uint32_t count = graph->buffer_count + graph->node_count;
        int r;

        parser->places = calloc(count, sizeof *parser->places);
        if (!parser->places)
                return -ENOMEM;
        for (uint32_t i = 0; i < graph->buffer_count; i++) {
                const struct graph_buffer *s = &graph->buffers[i];

                parser->places[i].size = gpu_map_size(s->dtype, s->channels, s->height, s->width);
                parser->places[i].from = s->from;
                parser->places[i].to = s->to;
        }
        for (uint32_t i = 0; i < graph->node_count; i++) {
                struct plan_item *place = &parser->places[graph->buffer_count + i];

                place->size = workspace_size(parser, i);
                place->from = place->to = i;
        }
        r = plan_place(parser->places, count, &parser->figures.arena);
        if (r == 0)
                r = gpu_buffer_new(parser->gpu, parser->figures.arena, GPU_MEMORY_DEVICE, "arena", &parser->arena);
        return r;
}

/* Records everything once and discards it.  This detects a device that cannot run the network here, where it can be
 * reported, and compiles all kernels. */
static int rehearse(struct parser *parser)
{
        struct gpu_program *program;
        int r, recorded;

        r = gpu_program_new(parser->gpu, "rehearsal", &program);
        if (r < 0)
                return r;
        recorded = record_nodes(parser, program);
        r = gpu_program_end(program);
        gpu_program_free(program);
        return recorded < 0 ? recorded : r;
}

static int explain(const struct parser *parser, int error, char *why, size_t why_size)
{
        const struct model_info *info = &parser->info;

        if (error == -E2BIG)
                return why_set(why, why_size, error,
                               "%s: an input of %ux%u needs larger storage ranges than this device has", info->name,
                               info->width, info->height);
        return why_set(why, why_size, error, "%s: cannot be made ready on this device: %s", info->name,
                       strerror(-error));
}

static unsigned count_guesses(const struct parser *parser)
{
        unsigned count = 0;

        for (uint32_t i = 0; i < parser->graph->node_count; i++)
                count += parser->graph->nodes[i].weight && gpu_conv_is_guess(parser->gpu, &parser->nodes[i].conv);
        return count;
}

int parser_build(struct gpu *gpu, const struct model_info *info, const struct weights_source *source,
                 enum gpu_dtype precision, struct parser **ret, char *why, size_t why_size)
{
        struct parser *parser = calloc(1, sizeof *parser);
        int r;

        if (!parser)
                return why_set(why, why_size, -ENOMEM, "%s: out of memory", info->name);
        parser->gpu = gpu;
        parser->info = *info;
        r = network_new(info, precision, &parser->graph);
        if (r == 0)
                r = weights_upload(gpu, parser->graph, source, &parser->weights, &parser->nodes);
        if (r == 0)
                r = allocate(parser);
        if (r == 0)
                r = rehearse(parser);
        if (r < 0) {
                explain(parser, r, why, why_size);
                parser_free(parser);
                return r;
        }
        parser->figures.weights = gpu_buffer_size(parser->weights);
        parser->figures.gmac = graph_gmac(parser->graph);
        parser->figures.guesses = count_guesses(parser);
        parser->figures.operators = parser->graph->node_count + 2; /* crop, argmax */
        *ret = parser;
        return 0;
}

static int read_tensor(const void *context, const struct graph_tensor *tensor, float **ret)
{
        return model_tensor(context, tensor->name, tensor->count, ret);
}

int parser_new(struct gpu *gpu, const struct model *model, const struct model_info *info, enum gpu_dtype precision,
               struct parser **ret, char *why, size_t why_size)
{
        struct weights_source source = {read_tensor, model};

        return parser_build(gpu, info, &source, precision, ret, why, why_size);
}

void parser_free(struct parser *parser)
{
        if (!parser)
                return;
        gpu_buffer_free(parser->arena);
        gpu_buffer_free(parser->weights);
        free(parser->places);
        free(parser->nodes);
        graph_free(parser->graph);
        free(parser);
}

const struct parser_figures *parser_figures(const struct parser *parser)
{
        return &parser->figures;
}

/* ---- running ---- */

static int record_crop(struct parser *parser, struct gpu_program *program, const struct gpu_image *image,
                       const struct gpu_block *region)
{
        const struct model_info *info = &parser->info;
        struct gpu_normalise normalise = {.bgr = info->bgr};
        struct gpu_map input = map_of(parser, parser->graph->input);

        memcpy(normalise.mean, info->mean, sizeof normalise.mean);
        memcpy(normalise.std, info->std, sizeof normalise.std);
        return op_crop(program, image, region, &normalise, &input);
}

static int record_argmax(struct parser *parser, struct gpu_program *program, const struct gpu_answers *answers)
{
        struct gpu_map logits = map_of(parser, parser->graph->logits);

        return op_argmax(program, &logits, parser->info.classes, answers);
}

int parser_record(struct parser *parser, struct gpu_program *program, const struct gpu_image *image,
                  const struct gpu_block *region, const struct gpu_answers *answers)
{
        assert(answers->width == parser->info.width && answers->height == parser->info.height);
        int r = record_crop(parser, program, image, region);
        if (r == 0)
                r = record_nodes(parser, program);
        return r < 0 ? r : record_argmax(parser, program, answers);
}

int parser_record_operator(struct parser *parser, unsigned i, struct gpu_program *program,
                           const struct gpu_image *image, const struct gpu_block *region,
                           const struct gpu_answers *answers)
{
        assert(i < parser->figures.operators);
        if (i == 0)
                return record_crop(parser, program, image, region);
        if (i <= parser->graph->node_count)
                return record_node(parser, program, i - 1);
        return record_argmax(parser, program, answers);
}

/* Copies the logits, at input size, to memory that the host can read. */
static int fetch_logits(struct parser *parser, const struct gpu_map *large, struct gpu_buffer *readback)
{
        struct gpu_map logits = map_of(parser, parser->graph->logits);
        struct gpu_program *program;
        int r;

        r = gpu_program_new(parser->gpu, "logits", &program);
        if (r < 0)
                return r;
        op_upsample(program, &logits, large);
        op_copy(program, large->buffer, readback, gpu_buffer_size(readback));
        r = gpu_program_end(program);
        if (r == 0)
                r = gpu_run(program);
        gpu_program_free(program);
        return r;
}

/* Unpacks the blocks of 32 pixels and groups of 4 channels. */
static void unblock(const struct gpu_map *map, const float *blocks, uint32_t channels, float *ret)
{
        size_t pixels = (size_t)map->height * map->width;

        for (uint32_t c = 0; c < channels; c++)
                for (size_t n = 0; n < pixels; n++)
                        *ret++ = blocks[((n / 32 * (map->stride / 4) + c / 4) * 32 + n % 32) * 4 + c % 4];
}

int parser_logits(struct parser *parser, float **ret, uint32_t *ret_classes, uint32_t *ret_height, uint32_t *ret_width)
{
        const struct model_info *info = &parser->info;
        uint32_t channels = parser->graph->logits->channels;
        uint64_t size = gpu_map_size(GPU_F32, channels, info->height, info->width);
        struct gpu_map large = {
                .dtype = GPU_F32,
                .channels = channels,
                .height = info->height,
                .width = info->width,
                .stride = channels,
        };
        struct gpu_buffer *readback = NULL;
        float *logits = malloc((size_t)info->classes * info->height * info->width * sizeof *logits);
        int r = logits ? 0 : -ENOMEM;

        if (r == 0)
                r = gpu_wait(parser->gpu);
        if (r == 0)
                r = gpu_buffer_new(parser->gpu, size, GPU_MEMORY_DEVICE, "large logits", &large.buffer);
        if (r == 0)
                r = gpu_buffer_new(parser->gpu, size, GPU_MEMORY_READBACK, "logits for the host", &readback);
        if (r == 0)
                r = fetch_logits(parser, &large, readback);
        if (r == 0)
                unblock(&large, gpu_buffer_map(readback), info->classes, logits);
        gpu_buffer_free(readback);
        gpu_buffer_free(large.buffer);
        if (r < 0) {
                free(logits);
                return r;
        }
        *ret = logits;
        *ret_classes = info->classes;
        *ret_height = info->height;
        *ret_width = info->width;
        return 0;
}
