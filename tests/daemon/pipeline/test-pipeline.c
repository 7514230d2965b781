/* A frame's walk on a real driver, with a model that takes every pixel for the same class: what is shown of which
 * frame, with which options, and by which labels. */
#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "daemon/pipeline/pipeline.h"
#include "tests/cm.h"
#include "tests/model/forge.h"

enum { WIDTH = 64, HEIGHT = 48, SIZE = WIDTH * HEIGHT * 3, SHOWN_MOST = 8, MARGIN = 8, LABEL_AGE_MS = 60000 };
#define SECOND UINT64_C(1000000000)

static struct engine engine;

/* What a pipeline has told. */
static struct world {
        struct pipeline *pipeline;
        struct stats stats;
        unsigned shown, parsed, failed;
        uint8_t frames[SHOWN_MOST][SIZE];
        uint64_t times[SHOWN_MOST], parsed_time;
} world;

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

static void on_failed(void *userdata, int error)
{
        world.failed++;
}

static struct frame_format rgb(uint32_t width, uint32_t height)
{
        struct frame_format format = {.fourcc = V4L2_PIX_FMT_RGB24, .width = width, .height = height};

        assert_int_equal(frame_format_pack(&format), 0);
        return format;
}

static struct effect_settings settings(uint32_t chain)
{
        struct effect_settings settings = {.chain = chain};

        effect_settings_reset(&settings, chain);
        return settings;
}

static struct effect_settings overlay(double opacity)
{
        struct effect_settings s = settings(UINT32_C(1) << EFFECT_overlay);
        double *value;

        assert_non_null(effect_option_find(&s, s.chain, "opacity", &value));
        *value = opacity;
        return s;
}

static void begin(enum mode mode, struct effect_settings effect)
{
        const struct frame_format format = rgb(WIDTH, HEIGHT);
        const struct pipeline_options options = {
                .engine = &engine,
                .sink = &format,
                .effect = effect,
                .mode = mode,
                .label_age_ms = LABEL_AGE_MS,
                .faces = {.most = 4, .born_ms = 300, .gone_ms = 1000},
                .events = {.show = on_show, .parsed = on_parsed, .ready = on_ready, .failed = on_failed},
                .stats = &world.stats,
        };
        char why[512] = "";

        world = (struct world){0};
        if (pipeline_new(&options, &world.pipeline, why, sizeof why) < 0)
                fail_msg("%s", why);
        assert_int_equal(pipeline_source(world.pipeline, &format), 0);
}

static void end(void)
{
        pipeline_free(world.pipeline);
        assert_int_equal(world.failed, 0);
}

/* All of one grey, or stripes of two pixels: what blurs them is seen. */
static void fill(uint8_t *frame, int grey)
{
        for (int i = 0; i < SIZE; i++)
                frame[i] = grey >= 0 ? grey : i / 3 % 4 / 2 * 255;
}

enum { STRIPES = -1 };

static int push(int grey, uint64_t time_ns)
{
        static uint8_t frame[SIZE];

        fill(frame, grey);
        return pipeline_push(world.pipeline, &(struct frame){.data = frame, .time_ns = time_ns});
}

/* Until nothing runs any more, not even a parse. */
static void settle(void)
{
        assert_int_equal(gpu_wait(engine.gpu), 0);
        assert_true(pipeline_idle(world.pipeline) && pipeline_ready(world.pipeline));
}

static void until_ready(void)
{
        struct pollfd event = {.fd = gpu_fd(engine.gpu), .events = POLLIN};

        while (!pipeline_ready(world.pipeline)) {
                assert_int_equal(poll(&event, 1, -1), 1);
                assert_int_equal(gpu_dispatch(engine.gpu), 0);
        }
}

/* A frame of one grey, under the class's colour. */
static void assert_tinted(unsigned n, int grey, double opacity)
{
        const uint8_t *color = engine.model.class[engine.model.classes - 1].color;

        assert_true(n < world.shown);
        for (int i = 0; i < SIZE; i++) {
                double want = grey + (color[i % 3] - grey) * opacity;
                if (abs((int)(world.frames[n][i] - want)) > 2)
                        fail_msg("frame %u, byte %d: %u, not %g", n, i, world.frames[n][i], want);
        }
}

/* But for the edges, where a blur has only one side to mix with. */
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

static void assert_sharp(unsigned n)
{
        assert_true(contrast(n) > 250);
}

/* All of it; no pixel is what it was. */
static void assert_blurred(unsigned n)
{
        assert_true(contrast(n) < 130);
}

static struct effect_settings blur(void)
{
        return settings(UINT32_C(1) << EFFECT_blur);
}

/* ---- options ---- */

static void changes_options_from_the_next_frame_on(void **state)
{
        for (enum mode mode = MODE_SMOOTH; mode <= MODE_EXACT; mode++) {
                const struct effect_settings quarter = overlay(0.25), full = overlay(1), half = overlay(0.5);

                begin(mode, quarter);
                assert_int_equal(push(40, 1 * SECOND), 0);
                assert_int_equal(pipeline_set_effect(world.pipeline, &full), 0);
                settle();
                assert_int_equal(push(80, 2 * SECOND), 0);
                assert_int_equal(pipeline_set_effect(world.pipeline, &half), 0);
                until_ready(); /* as soon as may be: in smooth mode at once */
                assert_int_equal(push(120, 3 * SECOND), 0);
                assert_int_equal(pipeline_set_effect(world.pipeline, &quarter), 0);
                settle();
                assert_int_equal(push(160, 4 * SECOND), 0);
                settle();
                assert_int_equal(world.shown, 4);
                assert_tinted(0, 40, 0.25);
                assert_tinted(1, 80, 1);
                assert_tinted(2, 120, 0.5);
                assert_tinted(3, 160, 0.25);
                end();
        }
}

static void changes_the_chain_from_the_next_frame_on(void **state)
{
        const struct effect_settings none = settings(UINT32_C(1) << EFFECT_none);

        begin(MODE_SMOOTH, overlay(1));
        assert_int_equal(push(40, 1 * SECOND), 0);
        assert_int_equal(pipeline_set_effect(world.pipeline, &none), 0);
        settle();
        assert_int_equal(push(80, 2 * SECOND), 0);
        settle();
        assert_tinted(0, 40, 1);
        assert_tinted(1, 80, 0);
        end();
}

/* ---- frames in flight ---- */

static void has_two_frames_in_flight(void **state)
{
        begin(MODE_SMOOTH, overlay(0.5));
        assert_int_equal(push(10, 1 * SECOND), 0);
        assert_false(pipeline_ready(world.pipeline)); /* it waits for its labels */
        assert_int_equal(push(15, 1 * SECOND), -EBUSY);
        settle();
        /* Nothing is dispatched meanwhile, so that neither can be over. */
        assert_int_equal(push(20, 2 * SECOND), 0);
        assert_int_equal(push(30, 3 * SECOND), 0);
        assert_false(pipeline_ready(world.pipeline) || pipeline_idle(world.pipeline));
        assert_int_equal(push(40, 4 * SECOND), -EBUSY);
        assert_int_equal(world.shown, 1);
        settle();
        assert_int_equal(world.shown, 3);
        for (unsigned i = 0; i < 3; i++) {
                assert_tinted(i, 10 * (i + 1), 0.5);
                assert_int_equal(world.times[i], (i + 1) * SECOND);
        }
        assert_int_equal(world.parsed, 2); /* no parse is queued behind another */
        end();
}

/* In exact mode the next frame is taken while the last one is composed, and each is parsed. */
static void parses_each_frame_in_exact_mode(void **state)
{
        begin(MODE_EXACT, overlay(0.5));
        for (unsigned i = 1; i <= 4; i++) {
                until_ready();
                assert_true(world.parsed == i - 1 && world.shown <= i - 1);
                assert_int_equal(push(20 * i, i * SECOND), 0);
                assert_false(pipeline_ready(world.pipeline));
        }
        settle();
        assert_int_equal(world.shown, 4);
        assert_int_equal(world.parsed, 4);
        for (unsigned i = 0; i < 4; i++)
                assert_tinted(i, 20 * (i + 1), 0.5);
        end();
}

/* ---- the age of labels ---- */

static void hides_everything_by_labels_that_are_too_old(void **state)
{
        begin(MODE_SMOOTH, blur());
        assert_int_equal(push(STRIPES, 1 * SECOND), 0); /* its own labels: all of it is a person */
        settle();
        assert_int_equal(push(STRIPES, 60 * SECOND), 0); /* those of the first */
        settle();
        assert_int_equal(push(STRIPES, 121 * SECOND), 0); /* those of the second, 61 s old */
        settle();
        assert_int_equal(push(STRIPES, 122 * SECOND), 0); /* those of the third */
        settle();
        assert_sharp(0);
        assert_sharp(1);
        assert_blurred(2);
        assert_sharp(3);
        end();
}

static void shows_what_hides_nothing_at_any_age(void **state)
{
        begin(MODE_SMOOTH, overlay(0.5));
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(push(50, (1 + 1000 * i) * SECOND), 0);
                settle();
                assert_tinted(i, 50, 0.5);
        }
        end();
}

/* Each frame's labels are its own. */
static void labels_are_never_old_in_exact_mode(void **state)
{
        begin(MODE_EXACT, blur());
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(push(STRIPES, (1 + 1000 * i) * SECOND), 0);
                settle();
                assert_sharp(i);
        }
        end();
}

/* Where parses take longer than the limit allows, smooth mode waits for each frame's labels if something is hidden. */
static void waits_for_labels_where_parsing_is_slow(void **state)
{
        const struct effect_settings tint = overlay(0.5);

        begin(MODE_SMOOTH, blur());
        pipeline_set_mode(world.pipeline, MODE_SMOOTH, 0);
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(push(STRIPES, (1 + i) * SECOND), 0);
                assert_false(pipeline_ready(world.pipeline));
                settle();
                assert_int_equal(world.parsed, i + 1);
                assert_sharp(i);
        }
        assert_int_equal(pipeline_set_effect(world.pipeline, &tint), 0);
        assert_int_equal(push(50, 4 * SECOND), 0);
        assert_true(pipeline_ready(world.pipeline));
        settle();
        end();
}

/* ---- another camera ---- */

static void starts_anew_with_another_source(void **state)
{
        const struct frame_format half = rgb(WIDTH / 2, HEIGHT / 2);

        begin(MODE_SMOOTH, overlay(0.5));
        assert_int_equal(push(10, 1 * SECOND), 0);
        settle();
        assert_int_equal(push(20, 2 * SECOND), 0);
        pipeline_reset(world.pipeline); /* it is not shown any more, nor are its labels told */
        assert_int_equal(pipeline_source(world.pipeline, &half), 0);
        until_ready();
        assert_int_equal(push(30, 3 * SECOND), 0); /* there are no labels for it */
        assert_false(pipeline_ready(world.pipeline));
        settle();
        assert_int_equal(world.shown, 2);
        assert_tinted(0, 10, 0.5);
        assert_tinted(1, 30, 0.5);
        assert_int_equal(world.times[1], 3 * SECOND);
        assert_int_equal(world.parsed, 2);
        assert_int_equal(world.parsed_time, 3 * SECOND);
        end();
}

/* A cut: the labels of before are of no use, though the format stays. */
static void waits_for_labels_after_a_reset(void **state)
{
        begin(MODE_SMOOTH, overlay(0.5));
        assert_int_equal(push(10, 1 * SECOND), 0);
        settle();
        pipeline_reset(world.pipeline);
        assert_int_equal(push(20, 2 * SECOND), 0);
        assert_false(pipeline_ready(world.pipeline));
        settle();
        assert_int_equal(world.shown, 2);
        end();
}

/* ---- what is compiled when ---- */

static unsigned compiled; /* kernels, by the linker's --wrap */

VkResult __real_vkCreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                         const VkComputePipelineCreateInfo *infos,
                                         const VkAllocationCallbacks *allocator, VkPipeline *ret);
VkResult __wrap_vkCreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                         const VkComputePipelineCreateInfo *infos,
                                         const VkAllocationCallbacks *allocator, VkPipeline *ret);

VkResult __wrap_vkCreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                         const VkComputePipelineCreateInfo *infos,
                                         const VkAllocationCallbacks *allocator, VkPipeline *ret)
{
        compiled++;
        return __real_vkCreateComputePipelines(device, cache, count, infos, allocator, ret);
}

/* The event loop records chains: there must be nothing left to compile. */
static void compiles_nothing_for_a_chain(void **state)
{
        begin(MODE_SMOOTH, overlay(1));
        const unsigned before = compiled;
        for (uint32_t chain = 1; chain < UINT32_C(1) << EFFECTS; chain++) {
                const struct effect_settings set = settings(chain);
                assert_int_equal(pipeline_set_effect(world.pipeline, &set), 0);
        }
        assert_int_equal(compiled, before);
        end();
}

static void *prepare_source(void *format)
{
        return pipeline_prepare_source(world.pipeline, format) == 0 ? format : NULL;
}

/* Another thread does, while a frame is in progress. */
static void compiles_nothing_for_a_source_that_was_prepared(void **state)
{
        struct frame_format nv12 = {.fourcc = V4L2_PIX_FMT_NV12, .width = WIDTH / 2, .height = HEIGHT};
        static const uint8_t frame[SIZE];
        pthread_t thread;
        void *result;

        assert_int_equal(frame_format_pack(&nv12), 0);
        begin(MODE_SMOOTH, overlay(1));
        assert_int_equal(push(10, 1 * SECOND), 0);
        const unsigned before = compiled;
        assert_int_equal(pthread_create(&thread, NULL, prepare_source, &nv12), 0);
        settle();
        pthread_join(thread, &result);
        assert_ptr_equal(result, &nv12);
        assert_true(compiled > before);
        const unsigned prepared = compiled;
        assert_int_equal(pipeline_source(world.pipeline, &nv12), 0);
        assert_int_equal(compiled, prepared);
        assert_int_equal(pipeline_push(world.pipeline, &(struct frame){.data = frame, .time_ns = 2 * SECOND}), 0);
        settle();
        assert_int_equal(world.shown, 2);
        end();
}

static void prepares_no_source_that_cannot_be_used(void **state)
{
        begin(MODE_SMOOTH, overlay(1));
        assert_int_equal(pipeline_prepare_source(world.pipeline, &(struct frame_format){.width = 8, .height = 8}),
                         -ENOTSUP);
        end();
}

/* ---- the state of effects ---- */

enum { FRESH = 255 };

#define DELAY (UINT32_C(1) << EFFECT_mirror) /* delay.c */

static void begin_delay(enum mode mode)
{
        begin(mode, settings(DELAY));
}

static void keeps_a_state_from_frame_to_frame(void **state)
{
        for (enum mode mode = MODE_SMOOTH; mode <= MODE_EXACT; mode++) {
                begin_delay(mode);
                for (unsigned i = 0; i < 4; i++) {
                        assert_int_equal(push(10 * (i + 1), (i + 1) * SECOND), 0);
                        settle();
                        assert_tinted(i, i ? 10 * i : FRESH, 0);
                }
                end();
        }
}

/* In whatever slots they are; frames are pushed as soon as may be. */
static void keeps_one_state_for_frames_in_flight(void **state)
{
        for (enum mode mode = MODE_SMOOTH; mode <= MODE_EXACT; mode++) {
                begin_delay(mode);
                for (unsigned i = 0; i < 7; i++) {
                        until_ready();
                        assert_int_equal(push(10 * (i + 1), (i + 1) * SECOND), 0);
                }
                settle();
                assert_int_equal(world.shown, 7);
                for (unsigned i = 0; i < 7; i++)
                        assert_tinted(i, i ? 10 * i : FRESH, 0);
                end();
        }
}

static void has_a_fresh_state_after_a_reset(void **state)
{
        const struct frame_format same = rgb(WIDTH, HEIGHT);

        begin_delay(MODE_SMOOTH);
        assert_int_equal(push(10, 1 * SECOND), 0);
        settle();
        assert_int_equal(push(20, 2 * SECOND), 0);
        pipeline_reset(world.pipeline); /* what the frame in progress leaves is of no use either */
        assert_int_equal(push(30, 3 * SECOND), 0);
        settle();
        assert_int_equal(push(40, 4 * SECOND), 0);
        settle();
        assert_int_equal(pipeline_source(world.pipeline, &same), 0);
        assert_int_equal(push(50, 5 * SECOND), 0);
        settle();
        assert_int_equal(world.shown, 4);
        assert_tinted(0, FRESH, 0);
        assert_tinted(1, FRESH, 0);
        assert_tinted(2, 30, 0);
        assert_tinted(3, FRESH, 0);
        end();
}

/* Both when the effect comes back and when another stands before it. */
static void has_a_fresh_state_in_another_chain(void **state)
{
        const struct effect_settings none = settings(UINT32_C(1) << EFFECT_none), delay = settings(DELAY);
        struct effect_settings tinted = overlay(0);

        tinted.chain |= DELAY;
        const struct effect_settings *const chains[] = {&delay, &none, &delay, &delay, &tinted, &tinted};
        const int shown[] = {FRESH, 20, FRESH, 30, FRESH, 50};

        begin(MODE_SMOOTH, delay);
        for (unsigned i = 0; i < 6; i++) {
                assert_int_equal(pipeline_set_effect(world.pipeline, chains[i]), 0);
                assert_int_equal(push(10 * (i + 1), (i + 1) * SECOND), 0);
                settle();
                assert_tinted(i, shown[i], 0);
        }
        end();
}

static void keeps_the_state_when_options_change(void **state)
{
        struct effect_settings tinted = overlay(0.5);

        tinted.chain |= DELAY;
        begin(MODE_SMOOTH, tinted);
        assert_int_equal(push(10, 1 * SECOND), 0);
        settle();
        tinted.options[EFFECT_overlay][0] = 1;
        assert_int_equal(pipeline_set_effect(world.pipeline, &tinted), 0);
        assert_int_equal(push(20, 2 * SECOND), 0);
        settle();
        assert_tinted(0, FRESH, 0);
        assert_tinted(1, 10, 0.5);
        end();
}

/* ---- the snapshot ---- */

static void takes_the_last_frame_with_its_labels(void **state)
{
        uint8_t *rgba, *labels;

        begin(MODE_SMOOTH, overlay(0.5));
        assert_int_equal(pipeline_snapshot(world.pipeline, &rgba, &labels), -EAGAIN);
        assert_int_equal(push(10, 1 * SECOND), 0);
        settle();
        assert_int_equal(push(20, 2 * SECOND), 0);
        assert_int_equal(push(30, 3 * SECOND), 0); /* is not parsed, as the one before is */
        assert_int_equal(pipeline_snapshot(world.pipeline, &rgba, &labels), 0);
        for (unsigned i = 0; i < WIDTH * HEIGHT; i++) {
                assert_int_equal(rgba[4 * i + i % 3], 30);
                assert_int_equal(labels[i], engine.model.classes - 1);
        }
        free(rgba);
        free(labels);
        /* The frames go on. */
        assert_int_equal(push(40, 4 * SECOND), 0);
        settle();
        assert_int_equal(world.shown, 4);
        assert_tinted(3, 40, 0.5);
        end();
}

/* ---- the model ---- */

static int setup(void **state)
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

static int teardown(void **state)
{
        const unsigned messages = gpu_validation_messages(engine.gpu);

        engine_close(&engine);
        forge_remove();
        return messages ? -1 : 0;
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(changes_options_from_the_next_frame_on),
                cmocka_unit_test(changes_the_chain_from_the_next_frame_on),
                cmocka_unit_test(has_two_frames_in_flight),
                cmocka_unit_test(parses_each_frame_in_exact_mode),
                cmocka_unit_test(hides_everything_by_labels_that_are_too_old),
                cmocka_unit_test(shows_what_hides_nothing_at_any_age),
                cmocka_unit_test(labels_are_never_old_in_exact_mode),
                cmocka_unit_test(waits_for_labels_where_parsing_is_slow),
                cmocka_unit_test(starts_anew_with_another_source),
                cmocka_unit_test(waits_for_labels_after_a_reset),
                cmocka_unit_test(compiles_nothing_for_a_chain),
                cmocka_unit_test(compiles_nothing_for_a_source_that_was_prepared),
                cmocka_unit_test(prepares_no_source_that_cannot_be_used),
                cmocka_unit_test(keeps_a_state_from_frame_to_frame),
                cmocka_unit_test(keeps_one_state_for_frames_in_flight),
                cmocka_unit_test(has_a_fresh_state_after_a_reset),
                cmocka_unit_test(has_a_fresh_state_in_another_chain),
                cmocka_unit_test(keeps_the_state_when_options_change),
                cmocka_unit_test(takes_the_last_frame_with_its_labels),
        };

        return cmocka_run_group_tests_name("pipeline", tests, setup, teardown);
}
