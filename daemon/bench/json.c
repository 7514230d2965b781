#include "daemon/bench/bench.h"
#include "daemon/common/text.h"

static double gflops(double mac, double seconds)
{
        return seconds > 0 ? 2e-9 * mac / seconds : 0;
}

static json_t *shape_json(const struct parser_shape *shape)
{
        return json_pack("[i, i, i]", (int)shape->channels, (int)shape->height, (int)shape->width);
}

static double sum_of_medians(const struct bench_network *network)
{
        double sum = 0;

        for (unsigned i = 0; i < network->count; i++)
                sum += network->operators[i].time.median;
        return sum;
}

static json_t *operator_json(const struct bench_operator *o, double all)
{
        const struct parser_operator *what = &o->what;
        json_t *root =
                json_pack("{s:s, s:o, s:s, s:o, s:o, s:i, s:i, s:i, s:I, s:I}", "kind", what->kind, "layer",
                          text_json(what->layer), "algorithm", what->algorithm, "in", shape_json(&what->in), "out",
                          shape_json(&what->out), "kernel", (int)what->kernel, "stride", (int)what->stride, "dilation",
                          (int)what->dilation, "mac", (json_int_t)what->mac, "bytes", (json_int_t)what->bytes);

        spread_json(&o->time, root);
        json_object_set_new(root, "share", json_real(all > 0 ? o->time.median / all : 0));
        json_object_set_new(root, "gflops", json_real(gflops(what->mac, o->time.median)));
        json_object_set_new(root, "gbytes_s", json_real(o->time.median > 0 ? 1e-9 * what->bytes / o->time.median : 0));
        return root;
}

static json_t *operators_json(const struct bench_network *network)
{
        const double all = sum_of_medians(network);
        json_t *root = json_array();

        for (unsigned i = 0; i < network->count; i++)
                json_array_append_new(root, operator_json(&network->operators[i], all));
        return root;
}

static json_t *network_json(const struct bench *bench)
{
        const double gmac = parser_figures(bench->engine.parser)->gmac;
        json_t *root = json_pack("{s:f, s:f, s:f, s:s}", "gmac", gmac, "cpu_ms", 1e3 * bench->network.cpu, "gflops",
                                 gflops(1e9 * gmac, bench->network.time.median), "operators_timed_by",
                                 bench->network.clock ? "device" : "host");

        spread_json(&bench->network.time, root);
        return root;
}

static json_t *frame_json(const struct bench_frame *frame, const struct config *config)
{
        char effect[EFFECT_TEXT_MAX];
        json_t *root, *steps = json_object(), *step;

        effect_chain_format(config->effect.chain, effect);
        root = json_pack("{s:s, s:o}", "effect", effect, "steps", steps);
        spread_json(&frame->total, root);
        for (int s = 0; s < BENCH_STEPS; s++) {
                json_object_set_new(steps, bench_step_names[s], step = json_object());
                spread_json(&frame->steps[s], step);
        }
        return root;
}

static json_t *size_json(uint32_t width, uint32_t height)
{
        return json_sprintf("%ux%u", width, height);
}

static json_t *start_json(const struct bench_start *start)
{
        return start->cold > 0 ? json_pack("{s:f, s:f}", "cold_s", start->cold, "warm_s", start->warm) : json_null();
}

static json_t *ceiling_json(const struct gpu_ceiling *ceiling)
{
        return json_pack("{s:f, s:f}", "gflops", 2e-9 * ceiling->multiply_adds, "gbytes_s", 1e-9 * ceiling->bytes);
}

json_t *bench_json(const struct bench *bench, const struct config *config)
{
        const struct gpu_info *gpu = gpu_info(bench->engine.gpu);
        const struct model_info *model = &bench->engine.model;
        const struct parser_figures *figures = parser_figures(bench->engine.parser);

        return json_pack("{s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:I, s:I, s:I, s:I}}",
                         "device", text_json(gpu->name), "kind", gpu_kind_name(gpu->kind), "driver",
                         text_json(gpu->driver), "backend", gpu_backend_name(gpu_backend(bench->engine.gpu)),
                         "precision", precision_names[bench->engine.precision], "model", text_json(model->name),
                         "input", size_json(model->width, model->height), "size",
                         size_json(config->width, config->height), "network", network_json(bench), "operators",
                         operators_json(&bench->network), "frame", frame_json(&bench->frame, config), "start",
                         start_json(&bench->start), "ceiling", ceiling_json(&bench->ceiling), "memory", "weights",
                         (json_int_t)figures->weights, "arena", (json_int_t)figures->arena, "total",
                         (json_int_t)bench->frame.memory, "peak_resident", (json_int_t)bench->start.peak_resident);
}
