/* What effects keep from frame to frame. */
#include "tests/daemon/pipeline/world.h"

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

/* Whatever slots they are in; frames are pushed as soon as possible. */
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
        pipeline_reset(world.pipeline); /* what the frame in progress leaves must not be used either */
        assert_int_equal(push(30, 3 * SECOND), 0);
        settle();
        assert_int_equal(push(40, 4 * SECOND), 0);
        settle();
        assert_int_equal(pipeline_source(world.pipeline, &same, NULL), 0);
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

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(keeps_a_state_from_frame_to_frame),
                cmocka_unit_test(keeps_one_state_for_frames_in_flight),
                cmocka_unit_test(has_a_fresh_state_after_a_reset),
                cmocka_unit_test(has_a_fresh_state_in_another_chain),
                cmocka_unit_test(keeps_the_state_when_options_change),
        };

        return cmocka_run_group_tests_name("state", tests, open_engine, close_engine);
}
