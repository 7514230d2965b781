/* A frame's path: what is shown of which frame, with which options and labels. */
#include <errno.h>
#include <stdlib.h>

#include "tests/daemon/pipeline/world.h"

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
                until_ready(); /* as soon as possible: in smooth mode at once */
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

static void waits_if_labels_are_too_old_to_hide_by(void **state)
{
        begin(MODE_SMOOTH, blur());
        assert_int_equal(push(STRIPES, 1 * SECOND), 0); /* waits for its own labels */
        assert_false(pipeline_ready(world.pipeline));
        settle();
        assert_int_equal(push(STRIPES, 60 * SECOND), 0); /* has those of the first */
        assert_true(pipeline_ready(world.pipeline));
        settle();
        assert_int_equal(push(STRIPES, 121 * SECOND), 0); /* those of the second are 61 s old: waits for its own */
        assert_false(pipeline_ready(world.pipeline));
        settle();
        assert_int_equal(world.parsed, 3);
        for (unsigned i = 0; i < 3; i++)
                assert_sharp(i);
        end();
}

/* A frame that waits takes the labels of the one that is being parsed, if they are new enough: it need not wait for
 * its own. */
static void waits_no_longer_than_it_must(void **state)
{
        begin(MODE_SMOOTH, blur());
        assert_int_equal(push(STRIPES, 1 * SECOND), 0);
        settle();
        assert_int_equal(push(STRIPES, 60 * SECOND), 0);
        assert_int_equal(push(STRIPES, 62 * SECOND), 0); /* the first's labels are 61 s old */
        until_ready();
        assert_int_equal(world.parsed, 2); /* the second's serve */
        settle();
        assert_int_equal(world.parsed, 3);
        /* Those of the next one that is parsed do not. */
        assert_int_equal(push(STRIPES, 63 * SECOND), 0);
        assert_int_equal(push(STRIPES, 124 * SECOND), 0);
        until_ready();
        assert_int_equal(world.parsed, 5);
        settle();
        assert_int_equal(world.shown, 5);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(world.times[i], ((const unsigned[]){1, 60, 62, 63, 124})[i] * SECOND);
        end();
}

/* A frame that waits takes no labels of another camera. */
static void does_not_wait_for_another_source(void **state)
{
        begin(MODE_SMOOTH, blur());
        assert_int_equal(push(STRIPES, 1 * SECOND), 0);
        settle();
        assert_int_equal(push(STRIPES, 60 * SECOND), 0);
        assert_int_equal(push(STRIPES, 62 * SECOND), 0);
        pipeline_reset(world.pipeline);
        until_ready();
        assert_int_equal(push(STRIPES, 63 * SECOND), 0);
        assert_false(pipeline_ready(world.pipeline)); /* it waits for its own */
        settle();
        assert_int_equal(world.shown, 2);
        assert_int_equal(world.times[1], 63 * SECOND);
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

/* No labels but a frame's own are new enough. */
static void waits_for_each_frames_labels_at_an_age_of_0(void **state)
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
        pipeline_reset(world.pipeline); /* neither it nor its labels are reported any more */
        assert_int_equal(pipeline_source(world.pipeline, &half, NULL), 0);
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

/* A cut: the earlier labels are useless, although the format stays. */
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

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(changes_options_from_the_next_frame_on),
                cmocka_unit_test(changes_the_chain_from_the_next_frame_on),
                cmocka_unit_test(has_two_frames_in_flight),
                cmocka_unit_test(parses_each_frame_in_exact_mode),
                cmocka_unit_test(waits_if_labels_are_too_old_to_hide_by),
                cmocka_unit_test(waits_no_longer_than_it_must),
                cmocka_unit_test(does_not_wait_for_another_source),
                cmocka_unit_test(shows_what_hides_nothing_at_any_age),
                cmocka_unit_test(labels_are_never_old_in_exact_mode),
                cmocka_unit_test(waits_for_each_frames_labels_at_an_age_of_0),
                cmocka_unit_test(starts_anew_with_another_source),
                cmocka_unit_test(waits_for_labels_after_a_reset),
                cmocka_unit_test(takes_the_last_frame_with_its_labels),
        };

        return cmocka_run_group_tests_name("pipeline", tests, open_engine, close_engine);
}
