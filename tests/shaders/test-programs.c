/* What gpu.h promises about programs: their order, how they wait, and what passes them. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shaders/gpu.h"
#include "shaders/image.h"
#include "shaders/ops.h"
#include "shaders/ops/conv.h"
#include "shaders/vk/vk.h"
#include "tests/shaders/fixture.h"

static void runs_again_and_again(void **state)
{
        struct fixture *f = *state;
        struct gpu_program *p = program(f, 1);

        for (int i = 0; i < 50; i++) {
                memset(gpu_buffer_map(f->upload), i, SIZE);
                assert_int_equal(gpu_run(p), 0);
                assert_memory_equal(gpu_buffer_map(f->readback), gpu_buffer_map(f->upload), SIZE);
        }
        gpu_program_free(p);
}

static void does_not_hang_on_an_empty_program(void **state)
{
        struct fixture *f = *state;
        struct gpu_program *p = NULL;

        assert_int_equal(gpu_program_new(f->gpu, "empty", &p), 0);
        assert_int_equal(gpu_program_end(p), 0);
        alarm(20);
        assert_int_equal(gpu_run(p), 0);
        alarm(0);
        gpu_program_free(p);
}

static void frees_what_is_half_recorded(void **state)
{
        struct fixture *f = *state;
        struct gpu_program *p = NULL;

        assert_int_equal(gpu_program_new(f->gpu, "half", &p), 0);
        assert_int_equal(op_copy(p, f->upload, f->device, SIZE), 0);
        gpu_program_free(p);
}

struct log {
        struct gpu_program *programs[4];
        unsigned done[16], n;
        unsigned again;
};

struct token {
        struct log *log;
        unsigned me;
};

static void finished(void *userdata, int status)
{
        struct token *t = userdata;

        assert_int_equal(status, 0);
        t->log->done[t->log->n++] = t->me;
        if (t->log->again) {
                t->log->again--;
                assert_int_equal(gpu_submit(t->log->programs[t->me], finished, t), 0);
        }
}

static void is_busy_until_its_callback(void **state)
{
        struct fixture *f = *state;
        struct log log = {{program(f, 200)}};
        struct token t = {&log, 0};

        assert_int_equal(gpu_submit(log.programs[0], finished, &t), 0);
        assert_int_equal(gpu_submit(log.programs[0], finished, &t), -EBUSY);
        assert_int_equal(log.n, 0);
        assert_int_equal(gpu_wait(f->gpu), 0);
        assert_int_equal(log.n, 1);
        assert_int_equal(gpu_submit(log.programs[0], NULL, NULL), 0);
        assert_int_equal(gpu_wait(f->gpu), 0);
        gpu_program_free(log.programs[0]);
}

static void can_be_submitted_from_its_callback(void **state)
{
        struct fixture *f = *state;
        struct log log = {{program(f, 1)}, .again = 5};
        struct token t = {&log, 0};

        assert_int_equal(gpu_submit(log.programs[0], finished, &t), 0);
        assert_int_equal(gpu_wait(f->gpu), 0);
        assert_int_equal(log.n, 6);
        gpu_program_free(log.programs[0]);
}

static void rings_its_descriptor(void **state)
{
        struct fixture *f = *state;
        struct log log = {{program(f, 1)}};
        struct token t = {&log, 0};
        struct pollfd fd = {.fd = gpu_fd(f->gpu), .events = POLLIN};

        assert_true(fd.fd >= 0);
        gpu_dispatch(f->gpu);
        assert_int_equal(poll(&fd, 1, 0), 0);
        assert_int_equal(gpu_submit(log.programs[0], finished, &t), 0);
        while (!log.n) {
                assert_int_equal(poll(&fd, 1, 20000), 1);
                assert_int_equal(gpu_dispatch(f->gpu), 0);
        }
        assert_int_equal(gpu_dispatch(f->gpu), 0); /* with nothing to do */
        gpu_program_free(log.programs[0]);
}

/* The first is long, and in the background; says whether the second was done before it. */
static bool passes(struct fixture *f, struct gpu_program *longer, struct gpu_program *shorter)
{
        struct log log = {{longer, shorter}};
        struct token t[] = {{&log, 0}, {&log, 1}};

        gpu_program_set_background(longer);
        assert_int_equal(gpu_submit(longer, finished, &t[0]), 0);
        assert_int_equal(gpu_submit(shorter, finished, &t[1]), 0);
        assert_int_equal(gpu_wait(f->gpu), 0);
        assert_int_equal(log.n, 2);
        gpu_program_free(longer);
        gpu_program_free(shorter);
        return log.done[0] == 1;
}

/* It does not wait until nothing runs: the long program, in the background, is far from over. */
static void is_freed_when_it_is_done_itself(void **state)
{
        struct fixture *f = *state;
        struct log log = {{program(f, 3000), program(f, 1)}};
        struct token t[] = {{&log, 0}, {&log, 1}};

        gpu_program_set_background(log.programs[0]);
        assert_int_equal(gpu_submit(log.programs[0], finished, &t[0]), 0);
        assert_int_equal(gpu_submit(log.programs[1], finished, &t[1]), 0);
        gpu_program_free(log.programs[1]);
        assert_int_equal(log.n, 1);
        assert_int_equal(log.done[0], 1);
        assert_int_equal(gpu_wait(f->gpu), 0);
        assert_int_equal(log.n, 2);
        gpu_program_free(log.programs[0]);
}

static void lets_short_programs_pass_long_ones(void **state)
{
        struct fixture *f = *state;
        struct gpu_program *p = NULL;

        assert_int_equal(gpu_program_new(f->gpu, "short", &p), 0);
        assert_int_equal(op_copy(p, f->upload, f->device, 4096), 0);
        assert_int_equal(gpu_program_end(p), 0);
        assert_true(passes(f, program(f, 3000), p));
}

/* A single operator of 2.4 GMAC, for a device that would take seconds. */
static void lets_short_programs_pass_a_long_operator(void **state)
{
        struct fixture *f = *state;
        const uint32_t n = 1024, side = 48;
        struct gpu_conv conv = {n, n, 1, 1, 1, side, side, GPU_F32};
        struct gpu_buffer *weights, *maps[2];
        struct gpu_program *longer = NULL, *shorter = NULL;

        f->gpu->rate = 1e9;
        assert_int_equal(gpu_conv_choose(f->gpu, &conv), 0);
        weights = buffer(f->gpu, gpu_conv_weights_size(&conv), GPU_MEMORY_DEVICE);
        for (int i = 0; i < 2; i++)
                maps[i] = buffer(f->gpu, gpu_map_size(GPU_F32, n, side, side), GPU_MEMORY_DEVICE);
        struct op_conv op = {.conv = conv,
                             .in = {maps[0], 0, GPU_F32, n, side, side, n, 0},
                             .out = {maps[1], 0, GPU_F32, n, side, side, n, 0},
                             .weights = weights,
                             .scale = 1};
        assert_int_equal(gpu_program_new(f->gpu, "long", &longer), 0);
        assert_int_equal(op_conv(longer, &op), 0);
        assert_int_equal(gpu_program_end(longer), 0);
        assert_int_equal(gpu_program_new(f->gpu, "short", &shorter), 0);
        assert_int_equal(op_copy(shorter, f->upload, f->device, 4096), 0);
        assert_int_equal(gpu_program_end(shorter), 0);
        assert_true(passes(f, longer, shorter));
        gpu_buffer_free(weights);
        gpu_buffer_free(maps[0]);
        gpu_buffer_free(maps[1]);
}

struct figures {
        const struct conv_algorithm *algorithm[CONV_CANDIDATES];
        double best[CONV_CANDIDATES];
        unsigned count, runs, most;
};

static bool note_run(void *userdata, const struct gpu_conv *conv, double seconds)
{
        struct figures *figures = userdata;
        unsigned i = 0;

        while (i < figures->count && figures->algorithm[i] != conv->algorithm)
                i++;
        if (i == figures->count) {
                assert_true(i < CONV_CANDIDATES);
                figures->algorithm[figures->count++] = conv->algorithm;
                figures->best[i] = seconds;
        }
        if (seconds < figures->best[i])
                figures->best[i] = seconds;
        return ++figures->runs < figures->most;
}

/* It runs every algorithm that can compute a layer, and remembers the fastest by the times that it reports, or the
 * guess if that is about as fast. */
static void tunes_by_its_own_figures(void **state)
{
        struct fixture *f = *state;
        struct gpu_conv conv = {64, 64, 3, 1, 1, 16, 20, GPU_F32}, guess = conv;
        const struct conv_algorithm *candidates[CONV_CANDIDATES];
        struct figures figures = {.most = 1000};
        const struct gpu_tuning tuning = {note_run, &figures};
        const unsigned count = conv_candidates(&f->gpu->caps, f->gpu->backend, &conv, candidates);
        unsigned fastest = 0, guessed = 0;

        if (count < 2)
                skip();
        assert_int_equal(gpu_conv_choose(f->gpu, &guess), 0);
        assert_int_equal(gpu_conv_tune(f->gpu, &conv, &tuning), 0);
        assert_int_equal(figures.count, count);
        assert_false(gpu_conv_is_guess(f->gpu, &conv));
        assert_int_equal(gpu_conv_choose(f->gpu, &conv), 0);
        for (unsigned i = 0; i < count; i++) {
                fastest = figures.best[i] < figures.best[fastest] ? i : fastest;
                guessed = figures.algorithm[i] == guess.algorithm ? i : guessed;
        }
        const bool clearly = figures.best[fastest] < 0.95 * figures.best[guessed];
        assert_string_equal(gpu_conv_algorithm(&conv), figures.algorithm[clearly ? fastest : guessed]->name);

        figures.runs = 0; /* what is known is not measured again */
        assert_int_equal(gpu_conv_tune(f->gpu, &conv, &tuning), 0);
        assert_int_equal(figures.runs, 0);
}

static void stops_tuning_when_it_is_told(void **state)
{
        struct fixture *f = *state;
        const struct gpu_conv conv = {64, 64, 3, 1, 1, 16, 24, GPU_F32};
        struct figures figures = {.most = 3};
        const struct gpu_tuning tuning = {note_run, &figures};
        const uint64_t before = gpu_allocated(f->gpu);

        if (!gpu_conv_is_guess(f->gpu, &conv))
                skip();
        assert_int_equal(gpu_conv_tune(f->gpu, &conv, &tuning), -ECANCELED);
        assert_int_equal(figures.runs, 3);
        assert_true(gpu_conv_is_guess(f->gpu, &conv));
        assert_int_equal(gpu_allocated(f->gpu), before);
}

/* On every device, all that a frame needs besides its labels is short compared with the network; otherwise smooth mode
 * would wait for labels. */
static void lets_a_frame_pass_a_network(void **state)
{
        struct fixture *f = *state;
        const uint32_t width = 640, height = 480;
        const struct gpu_pixels pixels = {
                .width = width,
                .height = height,
                .color = GPU_COLOR_BT601,
                .component = {{0, 2 * width, 2}, {1, 2 * width, 4, 1}, {3, 2 * width, 4, 1}},
                .size = 2 * width * height,
        };
        struct gpu_buffer *bytes = buffer(f->gpu, pixels.size, GPU_MEMORY_DEVICE);
        struct gpu_buffer *rgba = buffer(f->gpu, gpu_image_size(width, height), GPU_MEMORY_DEVICE);
        struct gpu_buffer *labels = buffer(f->gpu, gpu_labels_size(width, height), GPU_MEMORY_DEVICE);
        struct gpu_image image = {rgba, width, height};
        struct gpu_program *p = NULL;

        assert_int_equal(gpu_program_new(f->gpu, "frame", &p), 0);
        assert_int_equal(op_unpack(p, bytes, &pixels, &image), 0);
        assert_int_equal(op_paint(p, &image, &(struct gpu_labels){labels, width, height},
                                  &(struct gpu_block){f->device}, &image),
                         0);
        assert_int_equal(op_pack(p, &image, &pixels, bytes), 0);
        assert_int_equal(gpu_program_end(p), 0);
        assert_true(passes(f, program(f, 5000), p));
        gpu_buffer_free(bytes);
        gpu_buffer_free(rgba);
        gpu_buffer_free(labels);
}

static void keeps_the_order_of_equals(void **state)
{
        struct fixture *f = *state;
        struct log log = {{program(f, 1), program(f, 1), program(f, 1), program(f, 1)}};
        struct token t[] = {{&log, 0}, {&log, 1}, {&log, 2}, {&log, 3}};

        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(gpu_submit(log.programs[i], finished, &t[i]), 0);
        assert_int_equal(gpu_wait(f->gpu), 0);
        for (unsigned i = 0; i < 4; i++) {
                assert_int_equal(log.done[i], i);
                gpu_program_free(log.programs[i]);
        }
        assert_int_equal(log.n, 4);
}

static void waits_when_it_is_freed_while_it_runs(void **state)
{
        struct fixture *f = *state;
        struct gpu_program *p = program(f, 500);

        assert_int_equal(gpu_submit(p, NULL, NULL), 0);
        gpu_program_free(p);
        assert_int_equal(gpu_wait(f->gpu), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(runs_again_and_again, setup, teardown),
                cmocka_unit_test_setup_teardown(does_not_hang_on_an_empty_program, setup, teardown),
                cmocka_unit_test_setup_teardown(frees_what_is_half_recorded, setup, teardown),
                cmocka_unit_test_setup_teardown(is_busy_until_its_callback, setup, teardown),
                cmocka_unit_test_setup_teardown(can_be_submitted_from_its_callback, setup, teardown),
                cmocka_unit_test_setup_teardown(rings_its_descriptor, setup, teardown),
                cmocka_unit_test_setup_teardown(lets_short_programs_pass_long_ones, setup, teardown),
                cmocka_unit_test_setup_teardown(lets_short_programs_pass_a_long_operator, setup, teardown),
                cmocka_unit_test_setup_teardown(lets_a_frame_pass_a_network, setup, teardown),
                cmocka_unit_test_setup_teardown(tunes_by_its_own_figures, setup, teardown),
                cmocka_unit_test_setup_teardown(stops_tuning_when_it_is_told, setup, teardown),
                cmocka_unit_test_setup_teardown(keeps_the_order_of_equals, setup, teardown),
                cmocka_unit_test_setup_teardown(waits_when_it_is_freed_while_it_runs, setup, teardown),
                cmocka_unit_test_setup_teardown(is_freed_when_it_is_done_itself, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
