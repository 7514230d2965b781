#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/config.h"
#include "daemon/common/text.h"
#include "daemon/pipeline/palette.h"
#include "daemon/pipeline/report.h"

void report_line(const struct report *report, char *ret, size_t size)
{
        const struct stats *s = report->stats;

        snprintf(ret, size,
                 "%ju frames captured, %ju dropped, %ju parsed (%.1f/s), %ju shown (%.1f/s); latency %.1f ms, parsing "
                 "%.1f ms "
                 "(medians)",
                 (uintmax_t)s->captured, (uintmax_t)stats_dropped(s), (uintmax_t)s->parsed.count,
                 stats_rate(&s->parsed), (uintmax_t)s->shown.count, stats_rate(&s->shown), stats_median_ms(&s->latency),
                 stats_median_ms(&s->parse));
}

json_t *report_classes(const struct model_info *model, const uint8_t *labels, size_t size)
{
        uint64_t counts[MODEL_CLASSES_MAX];
        json_t *array = json_array();

        palette_count(labels, size, counts);
        for (uint32_t i = 0; i < model->classes; i++)
                json_array_append_new(array,
                                      json_pack("{s:i, s:o, s:I}", "index", (int)i, "name",
                                                text_json(model->class[i].name), "pixels", (json_int_t)counts[i]));
        return array;
}

static json_t *times(const struct stats_times *times)
{
        return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "min", stats_share_ms(times, 0), "p5",
                         stats_share_ms(times, 0.05), "median", stats_median_ms(times), "p95",
                         stats_share_ms(times, 0.95), "max", stats_share_ms(times, 1), "last", stats_last_ms(times));
}

static json_t *frames(const struct stats *stats)
{
        json_t *object = json_pack("{s:I}", "dropped", (json_int_t)stats_dropped(stats));
        uint64_t counters[COUNTERS];

        stats_counters(stats, counters);
        for (enum counter i = 0; i < COUNTERS; i++)
                json_object_set_new(object, counter_names[i], json_integer((json_int_t)counters[i]));
        return object;
}

static void add_engine(json_t *root, const struct engine *engine)
{
        const struct gpu_info *gpu = gpu_info(engine->gpu);

        json_object_set_new(root, "device", text_json(gpu->name));
        json_object_set_new(root, "driver", text_json(gpu->driver));
        json_object_set_new(root, "backend", json_string(gpu_backend_name(gpu_backend(engine->gpu))));
        json_object_set_new(root, "model",
                            json_pack("{s:o, s:o, s:s}", "name", text_json(engine->model.name), "file",
                                      text_json(engine->model_path), "precision", precision_names[engine->precision]));
}

static json_t *virtual_cameras(const struct config *config)
{
        json_t *array = json_array();

        for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX && config->virtual_camera[i][0]; i++)
                json_array_append_new(array, text_json(config->virtual_camera[i]));
        return array;
}

int report_write(const struct report *report, const char *path)
{
        const struct stats *s = report->stats;
        const struct config *config = report->config;
        json_t *root = json_pack("{s:s, s:o, s:o, s:o, s:f, s:{s:i, s:i}}", "version", VISAGED_VERSION, "camera",
                                 text_json(config->camera), "virtual_camera", text_json(config->virtual_camera[0]),
                                 "virtual_cameras", virtual_cameras(config), "seconds", report->seconds, "size",
                                 "width", (int)report->width, "height", (int)report->height);

        if (!root)
                return -ENOMEM;
        if (report->engine)
                add_engine(root, report->engine);
        json_object_set_new(root, "frames", frames(s));
        json_object_set_new(root, "rates",
                            json_pack("{s:f, s:f}", "parsed", stats_rate(&s->parsed), "shown", stats_rate(&s->shown)));
        json_object_set_new(root, "latency_ms", times(&s->latency));
        json_object_set_new(root, "parse_ms", times(&s->parse));
        if (report->engine && report->labels)
                json_object_set_new(
                        root, "classes",
                        report_classes(&report->engine->model, report->labels, (size_t)report->width * report->height));
        int r = json_dump_file(root, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0 ? -(errno ? errno : EIO) : 0;
        json_decref(root);
        return r;
}
