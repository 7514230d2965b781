/* The results of each parsed frame: what is kept for clients, and told to subscribers. */
#include <string.h>

#include "daemon/bus/bus.h"
#include "daemon/pipeline/palette.h"
#include "daemon/service/parts.h"
#include "daemon/service/results-json.h"

/* Of the picture's pixels.  The smallest face that the networks find has a twentieth of the picture's height. */
#define SKIN_LEAST 0.001
#define FEATURES_LEAST 0.0001

#define SETTLED_NS 500000000 /* a change is announced once it has lasted this long */

static const char *const feature_names[] = {"nose",      "left eye",    "right eye", "left brow", "right brow",
                                            "upper lip", "inner mouth", "mouth",     "lower lip", NULL};

static bool is_feature(const char *name)
{
        for (size_t i = 0; feature_names[i]; i++)
                if (strcmp(name, feature_names[i]) == 0)
                        return true;
        return false;
}

void supervisor_results_prepare(struct supervisor *sv)
{
        const struct model_info *model = &sv->gpu.now->engine.model;
        struct results *results = &sv->results;

        results->classes = model->classes;
        results->skin = results->features = 0;
        for (uint32_t i = 0; i < model->classes; i++) {
                const char *name = model->class[i].name;
                results_json_name(name, results->names[i]);
                if (strcmp(name, "skin") == 0)
                        results->skin |= UINT64_C(1) << i;
                if (is_feature(name))
                        results->features |= UINT64_C(1) << i;
        }
}

static uint64_t sum(const uint64_t counts[MODEL_CLASSES_MAX], uint64_t mask)
{
        uint64_t n = 0;

        for (int i = 0; i < MODEL_CLASSES_MAX; i++)
                if (mask >> i & 1)
                        n += counts[i];
        return n;
}

static void judge(struct results *results, bool present)
{
        uint64_t now = stats_now();

        if (present == results->present) {
                results->differs_since = 0;
                return;
        }
        if (results->differs_since == 0)
                results->differs_since = now;
        if (now - results->differs_since < SETTLED_NS)
                return;
        results->present = present;
        results->differs_since = 0;
}

static void publish(struct supervisor *sv, const uint64_t counts[MODEL_CLASSES_MAX], uint64_t time_ns)
{
        const struct results *results = &sv->results;
        char line[CONTROL_LINE_MAX];

        const struct result result = {
                .sequence = results->sequence,
                .time_ns = time_ns,
                .width = sv->output.format.width,
                .height = sv->output.format.height,
                .names = results->names,
                .counts = counts,
                .classes = results->classes,
                .present = results->present,
                .faces = results->faces,
                .face_count = results->face_count,
                .parse_ms = stats_last_ms(&sv->stats.parse),
        };
        size_t length = results_json_line(&result, line);
        if (length > 0)
                bus_publish(sv->bus, line, length);
}

void supervisor_results_take(struct supervisor *sv, const uint8_t *labels, uint64_t time_ns, const struct face *faces,
                             size_t face_count)
{
        const size_t pixels = (size_t)sv->output.format.width * sv->output.format.height;
        struct results *results = &sv->results;
        uint64_t counts[MODEL_CLASSES_MAX];

        palette_count(labels, pixels, counts);
        results->sequence++;
        results->face_count = face_count;
        for (size_t i = 0; i < face_count; i++)
                results->faces[i] = faces[i];
        judge(results, sum(counts, results->skin) >= SKIN_LEAST * pixels &&
                               sum(counts, results->features) >= FEATURES_LEAST * pixels);
        if (bus_subscribers(sv->bus))
                publish(sv, counts, time_ns);
        bus_update_faces(sv->bus);
}

void supervisor_results_end(struct supervisor *sv)
{
        sv->results.present = false;
        sv->results.differs_since = 0;
        sv->results.face_count = 0;
        bus_update_faces(sv->bus);
}
