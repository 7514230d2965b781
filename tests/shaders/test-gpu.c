/* What gpu.h promises about devices, memory and programs, on whichever device is the default. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shaders/gpu.h"
#include "shaders/image.h"
#include "shaders/ops.h"
#include "shaders/ops/conv.h"
#include "shaders/vk/vk.h"
#include "tests/cm.h"

#define SIZE (1u << 20)

struct fixture {
        struct gpu *gpu;
        struct gpu_buffer *upload, *device, *readback;
};

static struct gpu_buffer *buffer(struct gpu *gpu, uint64_t size, enum gpu_memory memory)
{
        struct gpu_buffer *b = NULL;

        assert_int_equal(gpu_buffer_new(gpu, size, memory, "test", &b), 0);
        assert_non_null(b);
        assert_true(gpu_buffer_size(b) >= size);
        return b;
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        char why[512] = "";

        if (gpu_open(&(struct gpu_options){.backend = GPU_BACKEND_TILED}, &f->gpu, why, sizeof why) < 0) {
                print_error("%s\n", why);
                return -1;
        }
        f->upload = buffer(f->gpu, SIZE, GPU_MEMORY_UPLOAD);
        f->device = buffer(f->gpu, SIZE, GPU_MEMORY_DEVICE);
        f->readback = buffer(f->gpu, SIZE, GPU_MEMORY_READBACK);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;
        unsigned messages = gpu_validation_messages(f->gpu);

        gpu_buffer_free(f->upload);
        gpu_buffer_free(f->device);
        gpu_buffer_free(f->readback);
        gpu_close(f->gpu);
        free(f);
        return messages ? -1 : 0;
}

/* Copies there and back `count` times. */
static struct gpu_program *program(struct fixture *f, unsigned count)
{
        struct gpu_program *p = NULL;

        assert_int_equal(gpu_program_new(f->gpu, "test", &p), 0);
        for (unsigned i = 0; i < count; i++) {
                assert_int_equal(op_copy(p, f->upload, f->device, SIZE), 0);
                assert_int_equal(op_copy(p, f->device, f->readback, SIZE), 0);
        }
        assert_int_equal(gpu_program_end(p), 0);
        return p;
}

/* ---- devices ---- */

static void lists_devices(void **state)
{
        struct gpu_info *infos = NULL;
        char why[512] = "";
        int n = gpu_list(&infos, why, sizeof why);

        assert_true(n >= 1);
        for (int i = 0; i < n; i++) {
                assert_int_equal(infos[i].index, i);
                assert_true(infos[i].name[0]);
                assert_true(infos[i].driver[0]);
                assert_true(infos[i].api_major >= 1);
                assert_true(infos[i].memory > 0);
                assert_string_equal(gpu_kind_name(GPU_KIND_CPU), "cpu");
        }
        free(infos);
}

static void refuses_unknown_devices(void **state)
{
        static const char *const names[] = {"no such card", "99", "/dev/dri/renderD999", "-1", "0x0"};
        struct gpu *gpu = NULL;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                char why[512] = "";

                assert_int_equal(gpu_open(&(struct gpu_options){.device = names[i]}, &gpu, why, sizeof why), -ENOENT);
                assert_true(why[0]);
                assert_null(strchr(why, '\n'));
                assert_null(gpu);
        }
}

static void opens_twice(void **state)
{
        char why[512] = "";
        struct gpu *gpu = NULL;

        assert_int_equal(gpu_open(&(struct gpu_options){.device = "0"}, &gpu, why, sizeof why), 0);
        assert_int_not_equal(gpu_backend(gpu), GPU_BACKEND_AUTO);
        assert_string_equal(gpu_info(gpu)->unusable, "");
        gpu_close(gpu);
}

static void keeps_pipelines_and_survives_a_damaged_cache(void **state)
{
        char folder[] = "/tmp/visaged-test-XXXXXX", command[256];

        assert_non_null(mkdtemp(folder));
        for (int round = 0; round < 3; round++) {
                struct gpu_options options = {.backend = GPU_BACKEND_TILED, .cache_dir = folder};
                char why[512] = "";
                struct gpu *gpu = NULL;

                assert_int_equal(gpu_open(&options, &gpu, why, sizeof why), 0);
                struct fixture f = {gpu, buffer(gpu, SIZE, GPU_MEMORY_UPLOAD), buffer(gpu, SIZE, GPU_MEMORY_DEVICE),
                                    buffer(gpu, SIZE, GPU_MEMORY_READBACK)};
                struct gpu_image image = {f.upload, 16, 16}, out = {f.device, 16, 16};
                struct gpu_labels labels = {f.readback, 16, 16};
                struct gpu_program *p = NULL;

                assert_int_equal(gpu_program_new(gpu, "test", &p), 0);
                assert_int_equal(op_paint(p, &image, &labels, &(struct gpu_block){f.upload}, &out), 0);
                assert_int_equal(gpu_program_end(p), 0);
                assert_int_equal(gpu_run(p), 0);
                gpu_program_free(p);
                gpu_buffer_free(f.upload);
                gpu_buffer_free(f.device);
                gpu_buffer_free(f.readback);
                gpu_close(gpu);
                /* What was kept, if this driver keeps anything, is first cut short, then replaced by random bytes. */
                snprintf(command, sizeof command,
                         round == 0 ? "for f in %s/*; do [ ! -f $f ] || truncate -s 40 $f; done"
                                    : "for f in %s/*; do [ ! -f $f ] || head -c 5000 /dev/urandom >$f; done",
                         folder);
                assert_int_equal(system(command), 0);
        }
        snprintf(command, sizeof command, "rm -r %s", folder);
        assert_int_equal(system(command), 0);
}

/* ---- memory ---- */

static void maps_what_the_host_touches(void **state)
{
        struct fixture *f = *state;

        assert_non_null(gpu_buffer_map(f->upload));
        assert_non_null(gpu_buffer_map(f->readback));
        assert_null(gpu_buffer_map(f->device));
        gpu_buffer_free(NULL);
        gpu_program_free(NULL);
        gpu_close(NULL);
}

static void writes_at_an_offset(void **state)
{
        struct fixture *f = *state;
        struct gpu_program *p = NULL;
        uint8_t *data = malloc(SIZE), *got = gpu_buffer_map(f->readback);

        for (unsigned i = 0; i < SIZE; i++)
                data[i] = i * 7 + i / 256;
        assert_int_equal(gpu_buffer_write(f->device, 0, data, SIZE), 0);
        assert_int_equal(gpu_buffer_write(f->device, 1024, data, 4096), 0);
        assert_int_equal(gpu_program_new(f->gpu, "test", &p), 0);
        assert_int_equal(op_copy(p, f->device, f->readback, SIZE), 0);
        assert_int_equal(gpu_program_end(p), 0);
        assert_int_equal(gpu_run(p), 0);
        assert_memory_equal(got, data, 1024);
        assert_memory_equal(got + 1024, data, 4096);
        assert_memory_equal(got + 5120, data + 5120, SIZE - 5120);
        gpu_program_free(p);
        free(data);
}

static void says_when_memory_is_used_up(void **state)
{
        struct fixture *f = *state;
        struct gpu_buffer *b = NULL;

        assert_true(gpu_buffer_new(f->gpu, 1ull << 50, GPU_MEMORY_DEVICE, "huge", &b) < 0);
        assert_null(b);
}

/* ---- programs ---- */

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

/* ---- measuring ---- */

static void counts_the_bytes_of_buffers(void **state)
{
        struct fixture *f = *state;
        const uint64_t before = gpu_allocated(f->gpu);
        struct gpu_buffer *b = buffer(f->gpu, 1000, GPU_MEMORY_DEVICE);

        assert_int_equal(gpu_allocated(f->gpu), before + gpu_buffer_size(b));
        gpu_buffer_free(b);
        assert_int_equal(gpu_allocated(f->gpu), before);
        b = NULL;
        assert_true(gpu_buffer_new(f->gpu, 1ull << 50, GPU_MEMORY_DEVICE, "huge", &b) < 0);
        assert_int_equal(gpu_allocated(f->gpu), before);
}

/* The parts, an empty one among them, follow each other: together they take no longer than the host waits. */
static void measures_parts_by_the_devices_clock(void **state)
{
        struct fixture *f = *state;
        struct gpu_program *p = NULL;
        struct timespec before, after;
        double times[3] = {-1, -1, -1}, sum = 0;

        assert_int_equal(gpu_program_new(f->gpu, "test", &p), 0);
        if (!gpu_has_clock(f->gpu)) {
                assert_int_equal(gpu_program_measure(p, 3), -ENOTSUP);
                gpu_program_free(p);
                skip();
        }
        assert_int_equal(gpu_program_measure(p, 3), 0);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(gpu_program_part(p), 0);
                if (i != 1)
                        assert_int_equal(op_copy(p, f->upload, f->device, SIZE), 0);
        }
        assert_int_equal(gpu_program_end(p), 0);
        assert_int_equal(gpu_program_times(p, times), -EAGAIN);
        for (int run = 0; run < 2; run++) {
                clock_gettime(CLOCK_MONOTONIC, &before);
                assert_int_equal(gpu_run(p), 0);
                clock_gettime(CLOCK_MONOTONIC, &after);
                assert_int_equal(gpu_program_times(p, times), 0);
                sum = 0;
                for (int i = 0; i < 3; i++) {
                        assert_true(times[i] >= 0);
                        sum += times[i];
                }
                assert_true(sum > 0);
                assert_true(sum <= (after.tv_sec - before.tv_sec) + 1e-9 * (after.tv_nsec - before.tv_nsec) + 1e-6);
        }
        gpu_program_free(p);
}

static void has_no_more_parts_than_it_was_made_for(void **state)
{
        struct fixture *f = *state;
        struct gpu_program *p = NULL;

        if (!gpu_has_clock(f->gpu))
                skip();
        assert_int_equal(gpu_program_new(f->gpu, "test", &p), 0);
        assert_int_equal(gpu_program_measure(p, 1), 0);
        assert_int_equal(gpu_program_part(p), 0);
        gpu_program_part(p);
        assert_int_equal(gpu_program_end(p), -E2BIG);
        gpu_program_free(p);
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
                cmocka_unit_test(lists_devices),
                cmocka_unit_test(refuses_unknown_devices),
                cmocka_unit_test(opens_twice),
                cmocka_unit_test(keeps_pipelines_and_survives_a_damaged_cache),
                cmocka_unit_test_setup_teardown(maps_what_the_host_touches, setup, teardown),
                cmocka_unit_test_setup_teardown(writes_at_an_offset, setup, teardown),
                cmocka_unit_test_setup_teardown(says_when_memory_is_used_up, setup, teardown),
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
                cmocka_unit_test_setup_teardown(counts_the_bytes_of_buffers, setup, teardown),
                cmocka_unit_test_setup_teardown(measures_parts_by_the_devices_clock, setup, teardown),
                cmocka_unit_test_setup_teardown(has_no_more_parts_than_it_was_made_for, setup, teardown),
                cmocka_unit_test_setup_teardown(waits_when_it_is_freed_while_it_runs, setup, teardown),
                cmocka_unit_test_setup_teardown(is_freed_when_it_is_done_itself, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
