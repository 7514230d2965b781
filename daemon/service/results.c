/* The results of each parsed frame: whether there is a face, and a line of JSON for subscribers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/bus/bus.h"
#include "daemon/pipeline/palette.h"
#include "daemon/service/parts.h"

/* Of the picture's pixels.  The smallest face that the networks find has a twentieth of the picture's height. */
#define SKIN_LEAST 0.001
#define FEATURES_LEAST 0.0001

#define SETTLED_NS 500000000 /* a change is announced once it has lasted this long */

#define LINE_MAX_BYTES 4096 /* PIPE_BUF: such a line goes into a pipe whole or not at all */

static const char *const feature_names[] = {"nose",      "left eye",    "right eye", "left brow", "right brow",
                                            "upper lip", "inner mouth", "mouth",     "lower lip", NULL};

static bool is_feature(const char *name)
{
        for (size_t i = 0; feature_names[i]; i++)
                if (strcmp(name, feature_names[i]) == 0)
                        return true;
        return false;
}

/* For use between the quotes of a JSON string: characters that would have to be escaped are left out. */
static void quote(const char *name, char *ret, size_t size)
{
        size_t n = 0;

        for (; *name && n + 1 < size; name++)
                if ((unsigned char)*name >= ' ' && (unsigned char)*name < 127 && *name != '"' && *name != '\\')
                        ret[n++] = *name;
        ret[n] = '\0';
}

void supervisor_results_prepare(struct supervisor *sv)
{
        const struct model_info *model = &sv->gpu.now->engine.model;
        struct results *results = &sv->results;

        results->classes = model->classes;
        results->skin = results->features = 0;
        for (uint32_t i = 0; i < model->classes; i++) {
                const char *name = model->class[i].name;
                quote(name, results->names[i], sizeof results->names[i]);
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

static void judge(struct supervisor *sv, bool face)
{
        struct results *results = &sv->results;
        uint64_t now = stats_now();

        if (face == results->face) {
                results->differs_since = 0;
                return;
        }
        if (results->differs_since == 0)
                results->differs_since = now;
        if (now - results->differs_since < SETTLED_NS)
                return;
        results->face = face;
        results->differs_since = 0;
        sv->update(sv);
}

/* Returns the line's length; 0: it does not fit. */
static size_t write_line(const struct supervisor *sv, const uint64_t counts[MODEL_CLASSES_MAX], bool face,
                         uint64_t time_ns, char line[LINE_MAX_BYTES])
{
        const struct results *results = &sv->results;
        const char *comma = "";
        size_t n;

        n = snprintf(line, LINE_MAX_BYTES,
                     "{\"sequence\":%" PRIu64 ",\"time_ns\":%" PRIu64
                     ",\"width\":%u,\"height\":%u,\"face\":%s,\"classes\":{",
                     results->sequence, time_ns, sv->output.format.width, sv->output.format.height,
                     face ? "true" : "false");
        for (uint32_t i = 1; i < results->classes && n < LINE_MAX_BYTES; i++)
                if (counts[i]) {
                        n += snprintf(line + n, LINE_MAX_BYTES - n, "%s\"%s\":%" PRIu64, comma, results->names[i],
                                      counts[i]);
                        comma = ",";
                }
        if (n < LINE_MAX_BYTES)
                n += snprintf(line + n, LINE_MAX_BYTES - n, "},\"parse_ms\":%.2f", stats_last_ms(&sv->stats.parse));
        return n < LINE_MAX_BYTES ? n : 0;
}

void supervisor_results_take(struct supervisor *sv, const uint8_t *labels, uint64_t time_ns)
{
        const size_t pixels = (size_t)sv->output.format.width * sv->output.format.height;
        uint64_t counts[MODEL_CLASSES_MAX];
        char line[LINE_MAX_BYTES];

        palette_count(labels, pixels, counts);
        bool face = sum(counts, sv->results.skin) >= SKIN_LEAST * pixels &&
                    sum(counts, sv->results.features) >= FEATURES_LEAST * pixels;
        sv->results.sequence++;
        if (bus_subscribers(sv->bus)) {
                size_t n = write_line(sv, counts, face, time_ns, line);
                if (n)
                        bus_publish(sv->bus, line, n, sizeof line);
        }
        judge(sv, face);
}

void supervisor_results_end(struct supervisor *sv)
{
        sv->results.face = false;
        sv->results.differs_since = 0;
}
