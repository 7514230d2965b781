/* The results of each parsed frame: what is kept for clients, and sent to subscribers. */
#include <string.h>

#include "daemon/bus/bus.h"
#include "daemon/pipeline/palette.h"
#include "daemon/service/parts.h"
#include "daemon/service/results-json.h"

void supervisor_results_prepare(struct supervisor *sv)
{
        const struct model_info *model = &sv->gpu.now->engine.model;
        struct results *results = &sv->results;

        results->classes = model->classes;
        for (uint32_t i = 0; i < model->classes; i++)
                results_json_name(model->class[i].name, results->names[i]);
}

static void publish(struct supervisor *sv, const struct pipeline_results *parsed)
{
        const struct frame_format *format = &sv->output.format;
        const struct results *results = &sv->results;
        uint64_t counts[MODEL_CLASSES_MAX];
        char line[CONTROL_LINE_MAX];

        palette_count(parsed->labels, (size_t)format->width * format->height, counts);
        const struct result result = {
                .sequence = results->sequence,
                .time_ns = parsed->time_ns,
                .width = format->width,
                .height = format->height,
                .names = results->names,
                .counts = counts,
                .classes = results->classes,
                .faces = results->faces,
                .face_count = results->face_count,
                .parse_ms = stats_last_ms(&sv->stats.parse),
        };
        size_t length = results_json_line(&result, line);
        if (length > 0)
                bus_publish(sv->bus, line, length);
}

void supervisor_results_take(struct supervisor *sv, const struct pipeline_results *parsed)
{
        struct results *results = &sv->results;

        results->sequence++;
        results->face_count = parsed->face_count;
        memcpy(results->faces, parsed->faces, parsed->face_count * sizeof parsed->faces[0]);
        if (bus_subscribers(sv->bus))
                publish(sv, parsed);
        bus_update_faces(sv->bus);
}

void supervisor_results_end(struct supervisor *sv)
{
        sv->results.face_count = 0;
        bus_update_faces(sv->bus);
}
