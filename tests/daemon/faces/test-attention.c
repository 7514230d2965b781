/* Where the network looks, on drawn label maps. */
#include <math.h>
#include <string.h>

#include "tests/daemon/faces/rig.h"

/* A head that is too far away to show its parts is looked at from nearer; one without a face is then none. */
static void test_far(void **state)
{
        for (int faceless = 0; faceless < 2; faceless++) {
                begin(4);
                add(drawn_face(700, 250, 72));
                rig.scene.parts_least = 40;
                rig.scene.faces[0].faceless = faceless;
                unsigned views = 0;
                for (int i = 0; i < 40; i++) {
                        step();
                        views += rig.viewed != 0;
                        assert_true(rig.count == 0 || !faceless);
                }
                assert_int_equal(rig.count, !faceless);
                assert_true(faceless ? views >= 1 && views <= 4 : views >= 15);
                if (!faceless) {
                        const struct face_box box = drawn_box(&rig.scene.faces[0], WIDTH, HEIGHT);
                        assert_true(iou(&rig.list[0].box, &box) >= 0.85f);
                }
                end();
        }
}

/* Every face has its turn, and so has the whole picture. */
static void test_turns_of_views(void **state)
{
        for (unsigned count = 1; count <= FACES_MAX; count++) {
                uint64_t viewed[FACES_MAX + 1] = {0};
                begin(FACES_MAX);
                for (unsigned i = 0; i < count; i++)
                        add(drawn_face(120 + 300.0f * (i % 4), 200 + 300.0f * (i / 4), 90));
                steps(30);
                assert_int_equal(rig.count, count);
                for (unsigned i = 0; i <= count; i++)
                        viewed[i] = rig.now;
                for (int i = 0; i < 100; i++) {
                        step();
                        assert_in_range(rig.viewed, 0, count);
                        viewed[rig.viewed] = rig.now;
                        assert_true(rig.now - viewed[0] <= 4 * STEP_MS * MS);
                        for (unsigned k = 1; k <= count; k++)
                                assert_true(rig.now - viewed[k] <= (2 * count + 1) * STEP_MS * MS);
                }
                end();
        }
}

/* A large face needs no views of its own: the whole picture shows it well. */
static void test_large(void **state)
{
        begin(4);
        add(drawn_face(640, 380, 500));
        for (int i = 0; i < 20; i++) {
                step();
                assert_int_equal(rig.viewed, 0);
        }
        end();
}

/* Only `most` faces have views of their own; all are found. */
static void test_most(void **state)
{
        begin(2);
        for (unsigned i = 0; i < 4; i++)
                add(drawn_face(150 + 300.0f * i, 300, 90 + 10.0f * i));
        steps(30);
        assert_int_equal(rig.count, 4);
        for (int i = 0; i < 40; i++) {
                step();
                for (size_t k = 0; rig.viewed && k < rig.count; k++)
                        if (rig.list[k].id == rig.viewed)
                                assert_true(rig.list[k].upright.height * HEIGHT > 95);
        }
        end();
}

/* A view rests while the head trembles, and follows when it moves. */
static void test_rests(void **state)
{
        float first[2][3] = {{0}};

        begin(4);
        add(drawn_face(700, 250, 120));
        steps(20);
        for (int i = 0; i < 60; i++) {
                rig.scene.faces[0].x = 700 + i % 3 - 1;
                rig.scene.faces[0].y = 250 + i % 2;
                step();
                if (!rig.viewed)
                        continue;
                if (first[0][0] == 0)
                        memcpy(first, rig.to_picture, sizeof first);
                assert_memory_equal(first, rig.to_picture, sizeof first);
        }
        for (int i = 0; i < 12 || !rig.viewed; i++) {
                rig.scene.faces[0].x = fminf(rig.scene.faces[0].x + 20, 800);
                step();
        }
        const float centre =
                rig.to_picture[0][0] * VIEW_WIDTH / 2 + rig.to_picture[0][1] * VIEW_HEIGHT / 2 + rig.to_picture[0][2];
        assert_true(fabsf(centre - 800) < 20);
        end();
}

static float angle(void)
{
        return atan2f(rig.to_picture[1][0], rig.to_picture[0][0]) * 57.29578f;
}

/* A tilted head stands upright in its view. */
static void test_upright_views(void **state)
{
        begin(4);
        add(drawn_face(700, 350, 120));
        rig.scene.faces[0].roll = 25;
        for (int i = 0; i < 20 || !rig.viewed; i++)
                step();
        assert_true(fabsf(angle() - 25) <= 7);
        end();
}

/* What the whole picture shows of a small face is too rough to turn its first view by all of it. */
static void test_rough_views(void **state)
{
        begin(4);
        add(drawn_face(640, 360, 130));
        rig.scene.faces[0].roll = 45;
        do
                step();
        while (!rig.viewed && rig.now < 3000 * MS);
        assert_true(fabsf(angle() - 25) <= 10);
        steps(20);
        while (!rig.viewed)
                step();
        assert_true(fabsf(angle() - 45) <= 7); /* its own views tell it, and the whole pictures in between don't */
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_far),         cmocka_unit_test(test_turns_of_views),
                cmocka_unit_test(test_large),       cmocka_unit_test(test_most),
                cmocka_unit_test(test_rests),       cmocka_unit_test(test_upright_views),
                cmocka_unit_test(test_rough_views),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
