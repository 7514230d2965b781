/* When composed frames are shown in exact mode, and which are not.  Frames have numbers for pictures; nothing here
 * depends on how long anything takes, only on what comes before what. */
#include <string.h>

#include "tests/daemon/service/rig.h"
#include "tests/v4l2/fake-node.h"
#include "tests/v4l2/temporary.h"

#define MS UINT64_C(1000000)

static char path[PATH_MAX];

static void begin(const char *node, enum mode mode)
{
        snprintf(path, sizeof path, "%s", temporary_path("", "shown.y4m"));
        if (node)
                open_outputs(node, temporary_path("y4m:", "shown.y4m"));
        else
                open_outputs(temporary_path("y4m:", "shown.y4m"), "");
        assert_int_equal(supervisor_playout_prepare(&sv), 0);
        sv.config.mode = mode;
        supervisor_playout_follow(&sv);
}

static int end(void **state)
{
        options.frames = 0;
        supervisor_playout_finish(&sv);
        return close_outputs(state);
}

/* A frame is ready that was captured so long ago. */
static void take(uint8_t value, uint64_t age)
{
        uint8_t frame[SIZE];

        memset(frame, value, sizeof frame);
        supervisor_playout_take(&sv, frame, stats_now() - age);
}

/* The file has these numbers, in this order, and nothing else but placeholders. */
static void assert_shown(const char *numbers)
{
        FILE *file = fopen(path, "re");
        uint8_t frame[HEAD + SIZE];

        assert_non_null(file);
        while (fgetc(file) != '\n')
                ;
        while (fread(frame, sizeof frame, 1, file) == 1)
                if (frame[HEAD] == frame[HEAD + 1] && frame[HEAD] == frame[HEAD + SIZE - 1]) {
                        assert_int_equal(frame[HEAD], *numbers);
                        numbers++;
                }
        assert_int_equal(*numbers, 0);
        fclose(file);
}

static void each_once_in_order(void **state)
{
        begin(NULL, MODE_EXACT);
        take(1, 20 * MS);
        assert_shown(""); /* not before it is due */
        take(2, 15 * MS);
        take(3, 10 * MS);
        UNTIL(supervisor_playout_is_empty(&sv));
        assert_shown("\1\2\3");
        take(4, 500 * MS); /* late; the next is ready before it is shown */
        take(5, MS);
        take(6, 0);
        UNTIL(supervisor_playout_is_empty(&sv));
        assert_shown("\1\2\3\4\5\6");
        assert_int_equal(sv.stats.shown.count, 6);
}

static void far_too_late(void **state)
{
        begin(NULL, MODE_EXACT);
        take(1, 1500 * MS);
        assert_shown("\1");
}

/* None is lost, and none waits for longer than there is room. */
static void more_than_there_is_room_for(void **state)
{
        char numbers[3 * PLAYOUT_MOST] = "";

        begin(NULL, MODE_EXACT);
        for (int i = 1; i < 3 * PLAYOUT_MOST; i++) {
                numbers[i - 1] = (char)i;
                take((uint8_t)i, i == 1 ? 900 * MS : 0);
        }
        assert_true(sv.playout.delay.ns < 900 * MS);
        UNTIL(supervisor_playout_is_empty(&sv));
        assert_shown(numbers);
}

static void smooth_waits_for_nothing(void **state)
{
        begin(NULL, MODE_SMOOTH);
        assert_null(sv.playout.frames);
        take(1, 500 * MS);
        take(2, 0);
        assert_shown("\1\2");
}

/* Frames of exact mode do not come after those of smooth mode, and what was learned is forgotten. */
static void another_mode(void **state)
{
        begin(NULL, MODE_EXACT);
        take(1, 500 * MS);
        take(2, 0);
        sv.config.mode = MODE_SMOOTH;
        supervisor_playout_follow(&sv);
        assert_shown("\1\2");
        assert_null(sv.playout.frames);
        take(3, 0);
        assert_shown("\1\2\3");
        sv.config.mode = MODE_EXACT;
        supervisor_playout_follow(&sv);
        take(4, 10 * MS);
        assert_true(sv.playout.delay.ns < 500 * MS);
}

/* Setting the mode to what it is disturbs nothing. */
static void same_mode(void **state)
{
        begin(NULL, MODE_EXACT);
        take(1, 500 * MS);
        const uint64_t before = sv.playout.delay.ns;
        supervisor_playout_follow(&sv);
        assert_shown("");
        assert_int_equal(sv.playout.delay.ns, before);
}

static void at_the_end(void **state)
{
        begin(NULL, MODE_EXACT);
        take(1, 900 * MS);
        take(2, 0);
        take(3, 0);
        supervisor_playout_flush(&sv);
        assert_shown("\1\2\3");
        assert_true(supervisor_playout_is_empty(&sv));
}

/* A run of so many frames shows no more, whatever else is ready. */
static void wanted_frames_only(void **state)
{
        begin(NULL, MODE_EXACT);
        options.frames = 2;
        for (uint8_t i = 1; i <= 4; i++)
                take(i, 900 * MS);
        supervisor_playout_flush(&sv);
        assert_shown("\1\2");
        assert_int_equal(stops, 1);
}

/* Nothing is seen of a camera once it is closed. */
static void camera_is_gone(void **state)
{
        char why[256] = "";

        begin(NULL, MODE_EXACT);
        assert_int_equal(supervisor_camera_prepare(&sv), 0);
        assert_int_equal(camera_open("image:" PORTRAIT, &(struct camera_wish){0}, &sv.camera.camera, why, sizeof why),
                         0);
        sv.camera.task = TASK_NONE;
        sv.camera.state = CAMERA_STREAMING;
        supervisor_outputs_say(&sv, "camera unplugged");
        placeholder_task_wait(&sv.output.placeholder);
        take(1, 30 * MS);
        UNTIL(sv.output.live);
        take(2, 0);
        const uint64_t due = stats_now() + sv.playout.delay.ns;
        supervisor_camera_close(&sv);
        assert_true(supervisor_playout_is_empty(&sv) && !sv.output.live);
        assert_int_equal(sv.playout.delay.ns, 0);
        UNTIL(sv.stats.placeholders > 5 && stats_now() > due);
        assert_shown("\1");
        take(3, 0); /* of the next one */
        UNTIL(sv.output.live);
        assert_shown("\1\3");
        supervisor_camera_finish(&sv);
}

/* While no output was open, the next one may have got another format. */
static void another_format(void **state)
{
        begin(NULL, MODE_EXACT);
        take(1, 500 * MS);
        sv.output.format.width /= 2;
        supervisor_playout_flush(&sv);
        assert_int_equal(sv.stats.shown.count, 0);
        assert_true(supervisor_playout_is_empty(&sv));
}

/* A node gets the last frame again and again.  That does not make the next one late. */
static void repeated(void **state)
{
        begin("/dev/null", MODE_EXACT);
        for (uint8_t i = 1; i < 10; i++) {
                const uint64_t before = sv.stats.repeated;
                take(i, 1500 * MS);
                assert_true(node_shows(i));
                UNTIL(sv.stats.repeated > before + 1);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset_node, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(each_once_in_order),
                TEST(far_too_late),
                TEST(more_than_there_is_room_for),
                TEST(smooth_waits_for_nothing),
                TEST(another_mode),
                TEST(same_mode),
                TEST(at_the_end),
                TEST(wanted_frames_only),
                TEST(camera_is_gone),
                TEST(another_format),
                TEST(repeated),
        };

        return cmocka_run_group_tests_name("daemon-playout", tests, temporary_make, temporary_remove);
}
