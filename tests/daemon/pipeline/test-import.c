/* Frames that are read in the camera's memory: what is shown of them, when their buffers are needed, and when the
 * memory is given up. */
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/daemon/pipeline/world.h"

enum { BUFFERS = 3 };

static unsigned unmapped;

static void unmap(void *data, size_t size)
{
        unmapped++;
        munmap(data, size);
}

/* As a camera has it, but each buffer begins `offset` bytes into its pages, which only matters to an import. */
static struct frame_memory *map(size_t offset)
{
        struct frame_memory *memory = frame_memory_new(unmap);

        assert_non_null(memory);
        unmapped = 0;
        for (; memory->count < BUFFERS; memory->count++) {
                uint8_t *data = mmap(NULL, SIZE + offset, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                assert_ptr_not_equal(data, MAP_FAILED);
                memory->buffers[memory->count] = (struct frame_buffer){data + offset, SIZE, -1};
        }
        return memory;
}

/* A frame of one grey in a buffer. */
static int push_in(const struct frame_memory *memory, uint32_t index, int grey, uint64_t time_ns)
{
        memset(memory->buffers[index].data, grey, SIZE);
        return pipeline_push(world.pipeline, &(struct frame){memory->buffers[index].data, time_ns, 0, index});
}

static struct frame_memory *begin_with(size_t offset, const char *intake)
{
        const struct frame_format format = rgb(WIDTH, HEIGHT);
        struct frame_memory *memory = map(offset);

        begin(MODE_SMOOTH, overlay(0.5));
        assert_int_equal(pipeline_source(world.pipeline, &format, memory), 0);
        assert_string_equal(pipeline_intake(world.pipeline), intake);
        return memory;
}

static void until_read(unsigned n)
{
        struct pollfd event = {.fd = gpu_fd(engine.gpu), .events = POLLIN};

        while (world.read < n) {
                assert_int_equal(poll(&event, 1, -1), 1);
                assert_int_equal(gpu_dispatch(engine.gpu), 0);
        }
}

#define IN_PLACE "read in place (host memory)"

/* Nothing is taken of a buffer before the GPU runs, and nothing after it was given back. */
static void reads_frames_in_place(void **state)
{
        struct frame_memory *memory = begin_with(0, IN_PLACE);

        for (unsigned i = 0; i < 6; i++) {
                assert_int_equal(push_in(memory, i % BUFFERS, 20 * i, (i + 1) * SECOND), 1);
                assert_int_equal(world.read, i);
                until_read(i + 1);
                memset(memory->buffers[i % BUFFERS].data, 255, SIZE);
                until_ready();
        }
        settle();
        assert_int_equal(world.shown, 6);
        for (unsigned i = 0; i < 6; i++)
                assert_tinted(i, 20 * i, 0.5);
        end();
        frame_memory_unref(memory);
        assert_int_equal(unmapped, BUFFERS);
}

/* The next one does not wait for it. */
static void keeps_one_frame_at_a_time(void **state)
{
        struct frame_memory *memory = begin_with(0, IN_PLACE);

        assert_int_equal(push_in(memory, 0, 10, 1 * SECOND), 1);
        settle();
        assert_int_equal(push_in(memory, 0, 20, 2 * SECOND), 1);
        assert_int_equal(push_in(memory, 1, 30, 3 * SECOND), 0);
        memset(memory->buffers[1].data, 255, SIZE); /* it was copied */
        settle();
        assert_int_equal(world.read, 2);
        assert_int_equal(push_in(memory, 1, 40, 4 * SECOND), 1);
        settle();
        assert_int_equal(world.read, 3);
        assert_int_equal(world.shown, 4);
        for (unsigned i = 0; i < 4; i++)
                assert_tinted(i, 10 * (i + 1), 0.5);
        end();
        frame_memory_unref(memory);
}

/* What cannot be imported is copied, as is a source without memory. */
static void copies_otherwise(void **state)
{
        struct frame_memory *memory = begin_with(64, "copied");

        assert_int_equal(push_in(memory, 2, 90, 1 * SECOND), 0);
        memset(memory->buffers[2].data, 255, SIZE); /* it is not needed any more */
        settle();
        assert_tinted(0, 90, 0.5);
        assert_int_equal(world.read, 0);
        for (uint32_t i = 0; i < BUFFERS; i++) /* where the mappings begin */
                memory->buffers[i].data = (uint8_t *)memory->buffers[i].data - 64;
        frame_memory_unref(memory); /* nobody else keeps it */
        assert_int_equal(unmapped, BUFFERS);
        end();
}

/* One buffer that cannot be imported is enough. */
static void imports_all_or_none(void **state)
{
        const struct frame_format format = rgb(WIDTH, HEIGHT);
        struct frame_memory *memory = map(0);

        memory->buffers[2].data = (uint8_t *)memory->buffers[2].data + 64;
        begin(MODE_SMOOTH, overlay(0.5));
        assert_int_equal(pipeline_source(world.pipeline, &format, memory), 0);
        assert_string_equal(pipeline_intake(world.pipeline), "copied");
        end();
        memory->buffers[2].data = (uint8_t *)memory->buffers[2].data - 64;
        frame_memory_unref(memory);
        assert_int_equal(unmapped, BUFFERS);
}

/* ---- the end of the memory ---- */

/* The camera was closed before: the pipeline is the last to have its memory. */
static void close_camera(struct frame_memory *memory)
{
        frame_memory_unref(memory);
        assert_int_equal(unmapped, 0);
}

static void gives_memory_up_with_the_camera(void **state)
{
        struct frame_memory *memory = begin_with(0, IN_PLACE);

        assert_int_equal(push_in(memory, 0, 10, 1 * SECOND), 1);
        settle();
        close_camera(memory);
        pipeline_reset(world.pipeline);
        assert_int_equal(unmapped, BUFFERS);
        assert_false(pipeline_ready(world.pipeline)); /* without a source */
        end();
}

/* A frame that is being read is read to its end, but nobody is told. */
static void reads_to_the_end(void **state)
{
        struct frame_memory *memory = begin_with(0, IN_PLACE);

        assert_int_equal(push_in(memory, 0, 10, 1 * SECOND), 1);
        close_camera(memory);
        pipeline_reset(world.pipeline);
        assert_int_equal(unmapped, 0);
        assert_int_equal(gpu_wait(engine.gpu), 0);
        assert_int_equal(unmapped, BUFFERS);
        assert_int_equal(world.read + world.shown, 0);
        end();
}

/* Another camera comes while a frame of the first is being read. */
static void changes_the_source(void **state)
{
        const struct frame_format half = rgb(WIDTH / 2, HEIGHT / 2);
        struct frame_memory *memory = begin_with(0, IN_PLACE), *second;

        assert_int_equal(push_in(memory, 0, 10, 1 * SECOND), 1);
        pipeline_reset(world.pipeline);
        close_camera(memory);
        second = map(0);
        assert_int_equal(pipeline_source(world.pipeline, &half, second), 0);
        assert_int_equal(unmapped, BUFFERS);
        assert_string_equal(pipeline_intake(world.pipeline), IN_PLACE);
        until_ready();
        assert_int_equal(push_in(second, 1, 50, 2 * SECOND), 1);
        settle();
        assert_int_equal(world.read, 1);
        assert_int_equal(world.shown, 1);
        assert_tinted(0, 50, 0.5);
        assert_int_equal(pipeline_source(world.pipeline, &half, NULL), 0);
        assert_string_equal(pipeline_intake(world.pipeline), "copied");
        frame_memory_unref(second);
        assert_int_equal(unmapped, 2 * BUFFERS);
        end();
}

static void ends_while_it_reads(void **state)
{
        struct frame_memory *memory = begin_with(0, IN_PLACE);

        assert_int_equal(push_in(memory, 0, 10, 1 * SECOND), 1);
        close_camera(memory);
        end();
        assert_int_equal(unmapped, BUFFERS);
        assert_int_equal(world.read + world.shown, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_frames_in_place),
                cmocka_unit_test(keeps_one_frame_at_a_time),
                cmocka_unit_test(copies_otherwise),
                cmocka_unit_test(imports_all_or_none),
                cmocka_unit_test(gives_memory_up_with_the_camera),
                cmocka_unit_test(reads_to_the_end),
                cmocka_unit_test(changes_the_source),
                cmocka_unit_test(ends_while_it_reads),
        };

        return cmocka_run_group_tests(tests, open_engine, close_engine);
}
