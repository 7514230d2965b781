/* What is compiled when: nothing that the event loop calls may. */
#include <errno.h>
#include <pthread.h>

#include "tests/compiled.h"
#include "tests/daemon/pipeline/world.h"

/* The event loop records chains: there must be nothing left to compile. */
static void compiles_nothing_for_a_chain(void **state)
{
        begin(MODE_SMOOTH, overlay(1));
        const unsigned before = kernels_compiled();
        for (uint32_t chain = 1; chain < UINT32_C(1) << EFFECTS; chain++) {
                const struct effect_settings set = settings(chain);
                assert_int_equal(pipeline_set_effect(world.pipeline, &set), 0);
        }
        assert_int_equal(kernels_compiled(), before);
        end();
}

static void *prepare_source(void *format)
{
        return pipeline_prepare_source(world.pipeline, format) == 0 ? format : NULL;
}

/* Another thread compiles, while a frame is in progress. */
static void compiles_nothing_for_a_source_that_was_prepared(void **state)
{
        struct frame_format nv12 = {.fourcc = V4L2_PIX_FMT_NV12, .width = WIDTH / 2, .height = HEIGHT};
        static const uint8_t frame[SIZE];
        pthread_t thread;
        void *result;

        assert_int_equal(frame_format_pack(&nv12), 0);
        begin(MODE_SMOOTH, overlay(1));
        assert_int_equal(push(10, 1 * SECOND), 0);
        const unsigned before = kernels_compiled();
        assert_int_equal(pthread_create(&thread, NULL, prepare_source, &nv12), 0);
        settle();
        pthread_join(thread, &result);
        assert_ptr_equal(result, &nv12);
        assert_true(kernels_compiled() > before);
        const unsigned prepared = kernels_compiled();
        assert_int_equal(pipeline_source(world.pipeline, &nv12, NULL), 0);
        assert_int_equal(kernels_compiled(), prepared);
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

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(compiles_nothing_for_a_chain),
                cmocka_unit_test(compiles_nothing_for_a_source_that_was_prepared),
                cmocka_unit_test(prepares_no_source_that_cannot_be_used),
        };

        return cmocka_run_group_tests_name("compiled", tests, open_engine, close_engine);
}
