/* What gpu.h promises about devices, memory and measuring, on whichever device is the default. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shaders/gpu.h"
#include "shaders/image.h"
#include "shaders/ops.h"
#include "shaders/vk/vk.h"
#include "tests/shaders/fixture.h"

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
                cmocka_unit_test_setup_teardown(counts_the_bytes_of_buffers, setup, teardown),
                cmocka_unit_test_setup_teardown(measures_parts_by_the_devices_clock, setup, teardown),
                cmocka_unit_test_setup_teardown(has_no_more_parts_than_it_was_made_for, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
