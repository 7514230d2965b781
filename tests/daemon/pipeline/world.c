#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tests/daemon/pipeline/world.h"
#include "tests/model/forge.h"

enum { MARGIN = 8 };

struct engine engine;
struct world world;

static void on_show(void *userdata, const uint8_t *frame, uint64_t time_ns)
{
        assert_true(world.shown < SHOWN_MOST);
        memcpy(world.frames[world.shown], frame, SIZE);
        world.times[world.shown++] = time_ns;
}

static void on_parsed(void *userdata, const struct pipeline_results *results)
{
        world.parsed++;
        world.parsed_time = results->time_ns;
        for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
                assert_int_equal(results->labels[i], engine.model.classes - 1);
}

static void on_ready(void *userdata)
{
}

static void on_read(void *userdata)
{
        world.read++;
}

static void on_failed(void *userdata, int error)
{
        world.failed++;
}

struct frame_format rgb(uint32_t width, uint32_t height)
{
        struct frame_format format = {.fourcc = V4L2_PIX_FMT_RGB24, .width = width, .height = height};

        assert_int_equal(frame_format_pack(&format), 0);
        return format;
}

struct effect_settings settings(uint32_t chain)
{
        struct effect_settings settings = {.chain = chain};

        effect_settings_reset(&settings, chain);
        return settings;
}

struct effect_settings overlay(double opacity)
{
        struct effect_settings s = settings(UINT32_C(1) << EFFECT_overlay);
        double *value;

        assert_non_null(effect_option_find(&s, s.chain, "opacity", &value));
        *value = opacity;
        return s;
}

void begin(enum mode mode, struct effect_settings effect)
{
        const struct frame_format format = rgb(WIDTH, HEIGHT);
        const struct pipeline_options options = {
                .engine = &engine,
                .sink = &format,
                .effect = effect,
                .mode = mode,
                .label_age_ms = LABEL_AGE_MS,
                .faces = {.most = 4, .born_ms = 300, .gone_ms = 1000},
                .events =
                        {.show = on_show, .parsed = on_parsed, .ready = on_ready, .read = on_read, .failed = on_failed},
                .stats = &world.stats,
        };
        char why[512] = "";

        world = (struct world){0};
        if (pipeline_new(&options, &world.pipeline, why, sizeof why) < 0)
                fail_msg("%s", why);
        assert_int_equal(pipeline_source(world.pipeline, &format, NULL), 0);
}

void end(void)
{
        pipeline_free(world.pipeline);
        assert_int_equal(world.failed, 0);
}

/* All of one grey, or stripes of two pixels, which show any blur. */
static void fill(uint8_t *frame, int grey)
{
        for (int i = 0; i < SIZE; i++)
                frame[i] = grey >= 0 ? grey : i / 3 % 4 / 2 * 255;
}

int push(int grey, uint64_t time_ns)
{
        static uint8_t frame[SIZE];

        fill(frame, grey);
        return pipeline_push(world.pipeline, &(struct frame){.data = frame, .time_ns = time_ns});
}

/* Waits until nothing runs any more, not even a parse. */
void settle(void)
{
        assert_int_equal(gpu_wait(engine.gpu), 0);
        assert_true(pipeline_idle(world.pipeline) && pipeline_ready(world.pipeline));
}

void until_ready(void)
{
        struct pollfd event = {.fd = gpu_fd(engine.gpu), .events = POLLIN};

        while (!pipeline_ready(world.pipeline)) {
                assert_int_equal(poll(&event, 1, -1), 1);
                assert_int_equal(gpu_dispatch(engine.gpu), 0);
        }
}

/* A frame of one grey, under the class's colour. */
void assert_tinted(unsigned n, int grey, double opacity)
{
        const uint8_t *color = engine.model.class[engine.model.classes - 1].color;

        assert_true(n < world.shown);
        for (int i = 0; i < SIZE; i++) {
                double want = grey + (color[i % 3] - grey) * opacity;
                if (abs((int)(world.frames[n][i] - want)) > 2)
                        fail_msg("frame %u, byte %d: %u, not %g", n, i, world.frames[n][i], want);
        }
}

/* Except at the edges, where a blur has only one side to mix with. */
static int contrast(unsigned n)
{
        int low = 255, high = 0;

        assert_true(n < world.shown);
        for (int i = 0; i < SIZE; i++) {
                if (i / 3 % WIDTH < MARGIN || i / 3 % WIDTH >= WIDTH - MARGIN)
                        continue;
                low = world.frames[n][i] < low ? world.frames[n][i] : low;
                high = world.frames[n][i] > high ? world.frames[n][i] : high;
        }
        return high - low;
}

void assert_sharp(unsigned n)
{
        assert_true(contrast(n) > 250);
}

struct effect_settings blur(void)
{
        return settings(UINT32_C(1) << EFFECT_blur);
}

int open_engine(void **state)
{
        const struct model_info info = forge_info();
        const char *backend = getenv("VISAGED_BACKEND");
        const struct engine_options options = {
                .model = forge_path(),
                .backend = backend && strcmp(backend, "subgroup") == 0 ? GPU_BACKEND_SUBGROUP : GPU_BACKEND_TILED,
        };
        char why[600] = "";
        size_t size;
        json_t *header = forge_header(&info, false, &size);
        float *data = forge_data(false, size);

        /* All classes but the last are held down by the last bias. */
        for (size_t i = 0; i < size / 4; i++)
                data[i] *= 1e-6f;
        data[size / 4 - 1] = 1000;
        forge_model(header, data, size);
        free(data);
        if (engine_open(&engine, &options, why, sizeof why) == 0)
                return 0;
        print_error("%s\n", why);
        return -1;
}

int close_engine(void **state)
{
        const unsigned messages = gpu_validation_messages(engine.gpu);

        engine_close(&engine);
        forge_remove();
        return messages ? -1 : 0;
}
