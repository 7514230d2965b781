/* Walks frames through the pipeline at a time of its own: what is told and shown of them is the same on every machine.
 *
 *     walk WIDTH HEIGHT RATE MODE EFFECT LABELS SHOWN [MODEL] < FRAMES
 *
 * FRAMES are pixels of three bytes, red first.  Each is parsed, and the next one comes when that is done, 1/RATE
 * seconds later.  A line of JSON for each goes to the standard output, as subscribers get it; its labels, a byte a
 * pixel, are appended to LABELS, and the frame as shown to SHOWN. */
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/palette.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/service/results-json.h"

struct walk {
        struct frame_format format;
        struct engine engine;
        struct pipeline *pipeline;
        struct stats stats;
        char names[MODEL_CLASSES_MAX][CONTROL_NAME_MAX];
        uint64_t parsed;
        FILE *labels, *shown;
        bool single;
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
        fprintf(stderr, "walk: %s: %s\n", what, why);
        exit(1);
}

/* A parse takes no time. */
static uint64_t clock_ns;

uint64_t __wrap_stats_now(void);
uint64_t __wrap_stats_now(void)
{
        return clock_ns;
}

/* ---- what the pipeline tells ---- */

static void on_show(void *userdata, const uint8_t *frame, uint64_t time_ns)
{
        const struct walk *walk = userdata;

        fwrite(frame, walk->format.size, 1, walk->shown);
}

static void on_parsed(void *userdata, const struct pipeline_results *results)
{
        struct walk *walk = userdata;
        const size_t pixels = (size_t)walk->format.width * walk->format.height;
        uint64_t counts[MODEL_CLASSES_MAX];
        char line[CONTROL_LINE_MAX];

        palette_count(results->labels, pixels, counts);
        const struct result result = {
                .sequence = ++walk->parsed,
                .time_ns = results->time_ns,
                .width = walk->format.width,
                .height = walk->format.height,
                .names = walk->names,
                .counts = counts,
                .classes = walk->engine.model.classes,
                .faces = results->faces,
                .face_count = results->face_count,
        };
        size_t length = results_json_line(&result, line);
        fwrite(line, length, 1, stdout);
        puts("}");
        fwrite(results->labels, pixels, 1, walk->labels);
}

static void on_ready(void *userdata)
{
}

static void on_failed(void *userdata, int error)
{
        die("the GPU", strerror(-error));
}

/* ---- from the arguments ---- */

static enum mode find_mode(struct walk *walk, const char *name)
{
        walk->single = strcmp(name, "single") == 0;
        if (walk->single)
                return MODE_EXACT;
        for (int i = 0; mode_names[i]; i++)
                if (strcmp(mode_names[i], name) == 0)
                        return (enum mode)i;
        die(name, "no such mode");
}

static FILE *create(const char *path)
{
        FILE *file = fopen(path, "we");

        if (!file)
                die(path, "cannot be written");
        return file;
}

static void open_pipeline(struct walk *walk, enum mode mode, const char *effect, const char *model)
{
        const struct engine_options engine = {
                .model = model, .width = walk->format.width, .height = walk->format.height};
        struct config config;
        char why[600] = "";

        config_init(&config);
        if (config_set(&config, "effect", effect, why, sizeof why) < 0)
                die(effect, why);
        if (engine_open(&walk->engine, &engine, why, sizeof why) < 0)
                die("the GPU or the model", why);
        for (uint32_t i = 0; i < walk->engine.model.classes; i++)
                results_json_name(walk->engine.model.class[i].name, walk->names[i]);
        const struct pipeline_options options = {
                .engine = &walk->engine,
                .sink = &walk->format,
                .effect = config.effect,
                .mode = mode,
                .label_age_ms = config.label_age_ms,
                .faces = {config.faces, config.face_born_ms, config.face_gone_ms},
                .events = {.show = on_show,
                           .parsed = on_parsed,
                           .ready = on_ready,
                           .failed = on_failed,
                           .userdata = walk},
                .stats = &walk->stats,
        };
        if (pipeline_new(&options, &walk->pipeline, why, sizeof why) < 0)
                die("the pipeline", why);
        if (pipeline_source(walk->pipeline, &walk->format, NULL) < 0)
                die("the frames", "their size cannot be used");
}

int main(int argc, char **argv)
{
        static struct walk walk;

        if (argc < 8 || argc > 9) {
                fprintf(stderr, "usage: walk WIDTH HEIGHT RATE MODE EFFECT LABELS SHOWN [MODEL] < FRAMES\n");
                return 2;
        }
        walk.format.fourcc = V4L2_PIX_FMT_RGB24;
        walk.format.width = (uint32_t)atoi(argv[1]);
        walk.format.height = (uint32_t)atoi(argv[2]);
        const unsigned rate = (unsigned)atoi(argv[3]);
        uint8_t *bytes;
        if (frame_format_pack(&walk.format) < 0 || rate == 0 || !(bytes = malloc(walk.format.size)))
                die("the arguments", "no such frames");
        walk.labels = create(argv[6]);
        walk.shown = create(argv[7]);
        open_pipeline(&walk, find_mode(&walk, argv[4]), argv[5], argv[8]);
        for (uint64_t n = 1; fread(bytes, walk.format.size, 1, stdin) == 1; n++) {
                clock_ns = n * 1000000000 / rate;
                const struct frame frame = {.data = bytes, .time_ns = clock_ns};
                if (walk.single)
                        pipeline_reset(walk.pipeline);
                if (pipeline_push(walk.pipeline, &frame) < 0 || gpu_wait(walk.engine.gpu) < 0)
                        die("a frame", "it cannot be parsed");
        }
        pipeline_free(walk.pipeline);
        engine_close(&walk.engine);
        fclose(walk.labels);
        fclose(walk.shown);
        free(bytes);
        return 0;
}
