/* What is told of a face, on drawn label maps: eyes, mouth, how it is turned, what it wears. */
#include "tests/daemon/faces/rig.h"

static enum face_answer answer(enum face_question question)
{
        assert_int_equal(rig.count, 1);
        return rig.list[0].answers[question];
}

static void blink(bool noise)
{
        begin(4);
        rig.noise = noise;
        add(drawn_face(500, 300, 300));
        steps(10);
        for (int i = 0; i < 60; i++) {
                const bool closed = i % 10 < 2, winks = i % 20 < 2;
                rig.scene.faces[0].eyes[0] = closed ? 0.2f : 1;
                rig.scene.faces[0].eyes[1] = closed && !winks ? 0 : 0.9f;
                step();
                if (!rig.viewed) /* the whole picture does not show them well */
                        continue;
                assert_int_equal(answer(FACE_LEFT_EYE_OPEN), closed ? FACE_NO : FACE_YES);
                assert_int_equal(answer(FACE_RIGHT_EYE_OPEN), closed && !winks ? FACE_NO : FACE_YES);
        }
        end();
}

static void test_blinks(void **state)
{
        blink(false);
}

static void test_blinks_in_noise(void **state)
{
        blink(true);
}

/* What is usual is a median: eyes that were wide open for a moment are not closed afterwards. */
static void test_surprise(void **state)
{
        begin(4);
        add(drawn_face(500, 300, 300));
        for (int i = 0; i < 60; i++) {
                const float open = i >= 40 && i < 48 ? 2 : 0.7f;
                rig.scene.faces[0].eyes[0] = rig.scene.faces[0].eyes[1] = open;
                step();
                if (rig.count && rig.viewed && i > 20)
                        assert_int_equal(answer(FACE_LEFT_EYE_OPEN), FACE_YES);
        }
        end();
}

static void test_talks(void **state)
{
        begin(4);
        add(drawn_face(500, 300, 300));
        for (int i = 0; i < 60; i++) {
                const bool open = i % 6 >= 3;
                rig.scene.faces[0].mouth = open ? 0.9f : 0.05f;
                step();
                if (rig.count && rig.viewed)
                        assert_int_equal(answer(FACE_MOUTH_OPEN), open ? FACE_YES : FACE_NO);
        }
        end();
}

static void test_turns(void **state)
{
        static const struct {
                float turn;
                enum face_answer left, right;
        } cases[] = {
                {0, FACE_NO, FACE_NO}, {0.12f, FACE_YES, FACE_NO}, {0, FACE_NO, FACE_NO}, {-0.12f, FACE_NO, FACE_YES}};

        begin(4);
        add(drawn_face(500, 300, 300));
        for (size_t i = 0; i < 4; i++) {
                rig.scene.faces[0].turn = cases[i].turn;
                steps(8);
                assert_int_equal(answer(FACE_TURNED_LEFT), cases[i].left);
                assert_int_equal(answer(FACE_TURNED_RIGHT), cases[i].right);
        }
        end();
}

static void test_wears_and_hides(void **state)
{
        begin(4);
        add(drawn_face(500, 300, 300));
        steps(8);
        assert_int_equal(answer(FACE_GLASSES), FACE_NO);
        assert_int_equal(answer(FACE_HAT), FACE_NO);
        assert_int_equal(answer(FACE_COVERED), FACE_NO);
        assert_int_equal(answer(FACE_CUT), FACE_NO);
        assert_true(rig.list[0].areas[13] > 0 && rig.list[0].areas[1] > 0 && rig.list[0].areas[3] == 0);
        /* Pixels of the picture: of an ellipse, but for what is in it. */
        assert_true(rig.list[0].areas[1] < 3.14159 * 150 * 112.5 && rig.list[0].areas[1] > 0.7 * 3.14159 * 150 * 112.5);
        rig.scene.faces[0].glasses = true;
        steps(3);
        assert_int_equal(answer(FACE_GLASSES), FACE_YES);
        rig.scene.faces[0].masked = true;
        steps(3);
        assert_int_equal(answer(FACE_COVERED), FACE_YES);
        rig.scene.faces[0].masked = false;
        rig.scene.faces[0].hat = true;
        steps(3);
        assert_int_equal(answer(FACE_COVERED), FACE_NO);
        assert_int_equal(answer(FACE_HAT), FACE_YES);
        rig.scene.faces[0].x = 100;
        steps(15);
        assert_int_equal(answer(FACE_CUT), FACE_YES);
        end();
}

static void test_nods(void **state)
{
        begin(4);
        add(drawn_face(500, 300, 300));
        steps(8);
        assert_true(answer(FACE_TURNED_UP) == FACE_NO && answer(FACE_TURNED_DOWN) == FACE_NO);
        rig.scene.faces[0].nod = -0.1f;
        steps(4);
        assert_true(answer(FACE_TURNED_UP) == FACE_YES && answer(FACE_TURNED_DOWN) == FACE_NO);
        rig.scene.faces[0].nod = 0.12f;
        steps(4);
        assert_true(answer(FACE_TURNED_UP) == FACE_NO && answer(FACE_TURNED_DOWN) == FACE_YES);
        end();
}

/* The 11 classes of Helen and LaPa, and the 19 of CelebAMask-HQ. */
static void test_other_models(void **state)
{
        static const char *const eleven[] = {"background",  "skin",      "left brow", "right brow",
                                             "left eye",    "right eye", "nose",      "upper lip",
                                             "inner mouth", "lower lip", "hair"};
        static const uint8_t to_eleven[32] = {0, 1, 6, 0, 4, 5, 2, 3, 0, 0, 8, 7, 9, 10};

        begin_with(4, eleven, 11);
        rig.translate = to_eleven;
        add(drawn_face(500, 300, 300));
        steps(10);
        assert_true(answer(FACE_MOUTH_OPEN) == FACE_NO && answer(FACE_LEFT_EYE_OPEN) == FACE_YES);
        assert_true(rig.list[0].areas[10] > 0);
        end();
        begin_with(4, drawn_classes, 19);
        add(drawn_face(500, 300, 300));
        steps(10);
        assert_int_equal(rig.count, 1);
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_blinks),   cmocka_unit_test(test_blinks_in_noise),
                cmocka_unit_test(test_surprise), cmocka_unit_test(test_talks),
                cmocka_unit_test(test_turns),    cmocka_unit_test(test_wears_and_hides),
                cmocka_unit_test(test_nods),     cmocka_unit_test(test_other_models),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
