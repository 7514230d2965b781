/* Faces as objects, on drawn label maps: where they are, and that they come and go. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/daemon/faces/rig.h"

/* ---- where faces are ---- */

static void test_boxes(void **state)
{
        static const float heights[] = {500, 300, 160, 100}, rolls[] = {0, 12, -25, 40};

        for (size_t i = 0; i < 4; i++)
                for (size_t k = 0; k < 4; k++) {
                        begin(4);
                        add(drawn_face(WIDTH * 0.4f, HEIGHT * 0.5f, heights[i]));
                        rig.scene.faces[0].roll = rolls[k];
                        steps(10);
                        assert_int_equal(rig.count, 1);
                        const struct face_box box = drawn_box(&rig.scene.faces[0], WIDTH, HEIGHT);
                        assert_true(iou(&rig.list[0].box, &box) >= 0.85f);
                        assert_true(fabsf(rig.list[0].upright.roll - rolls[k]) <= 3);
                        assert_true(fabsf(rig.list[0].upright.height * HEIGHT - heights[i]) <= 0.1f * heights[i]);
                        assert_int_equal(rig.list[0].id, 1);
                        assert_int_equal(rig.list[0].since_ns, 1000 * MS);
                        end();
                }
}

/* Skin, but no face. */
static void test_no_faces(void **state)
{
        struct face_view view = {.labels = rig.labels, .width = VIEW_WIDTH, .height = VIEW_HEIGHT};
        uint32_t random = 1;

        whole(view.to_picture);
        for (int kind = 0; kind < 6; kind++) {
                begin(4);
                for (int frame = 0; frame < 30; frame++) {
                        for (uint32_t n = 0; n < VIEW_WIDTH * VIEW_HEIGHT; n++) {
                                const uint32_t x = n % VIEW_WIDTH, y = n / VIEW_WIDTH;
                                random = random * 1664525 + 1013904223;
                                const uint8_t labels[] = {
                                        1,                              /* all skin */
                                        x / 20 % 2,                     /* stripes */
                                        (x / 30 + y / 30) % 2 ? 1 : 13, /* skin and hair */
                                        random >> 24,                   /* noise, with classes that do not exist */
                                        x > 100 && x < 160 && y > 40 && y < 150 ? (y < 80    ? 11
                                                                                   : y > 120 ? 6
                                                                                             : 1)
                                                                                : 0, /* upside down */
                                        x > 100 && x < 160 && y > 40 && y < 150 ? (y < 60 ? 18 : 1) : 0, /* a poster */
                                };
                                rig.labels[n] = labels[kind];
                        }
                        view.time_ns = rig.now += STEP_MS * MS;
                        see(&view);
                        assert_int_equal(rig.count, 0);
                }
                end();
        }
}

/* Any size, any labels, any place: nothing is read or written beyond the map (which a sanitizer sees), every number
 * that is returned is finite, and every view that is wanted can be computed. */
static void test_hostile(void **state)
{
        static const uint32_t sizes[][2] = {{1, 1}, {1, 64}, {65, 1}, {33, 31}, {1024, 1024}};
        static const float places[][2][3] = {{{4, 0, 0}, {0, 4, 0}}, {{0, 0, 0}, {0, 0, 0}}, {{-2, 1, 9}, {1, 2, -9}}};
        uint32_t random = 1;

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                const uint32_t width = sizes[i][0], height = sizes[i][1];
                const struct faces_options options = {
                        .classes = drawn_classes,
                        .class_count = drawn_class_count,
                        .width = WIDTH,
                        .height = HEIGHT,
                        .view_width = width,
                        .view_height = height,
                        .most = FACES_MAX,
                };
                uint8_t *labels = malloc((size_t)width * height);
                struct faces *faces;

                assert_non_null(labels);
                assert_int_equal(faces_new(&options, &faces), 0);
                for (unsigned kind = 0; kind < 4; kind++) {
                        struct face_view view = {.labels = labels, .width = width, .height = height};
                        struct face list[FACES_MAX];

                        for (size_t n = 0; n < (size_t)width * height; n++) {
                                random = random * 1664525 + 1013904223;
                                const uint8_t kinds[] = {1, (n % width + n / width) % 2, random >> 24,
                                                         (random >> 24) % drawn_class_count};
                                labels[n] = kinds[kind];
                        }
                        for (unsigned k = 0; k < 3; k++) {
                                view.time_ns += STEP_MS * MS * (kind + 1);
                                memcpy(view.to_picture, places[k], sizeof view.to_picture);
                                view.look = (enum face_look)k;
                                view.face = k == LOOK_FACE ? 1000 : 0; /* which is followed by nobody */
                                faces_see(faces, &view);
                                const size_t count = faces_list(faces, list);
                                assert_in_range(count, 0, FACES_MAX);
                                for (size_t f = 0; f < count; f++)
                                        assert_true(isfinite(list[f].upright.x + list[f].upright.roll +
                                                             list[f].box.left + list[f].box.width));
                                struct face_view next = {0};
                                faces_next(faces, view.time_ns, &next);
                                for (int m = 0; next.look != LOOK_WHOLE && m < 6; m++)
                                        assert_true(isfinite(next.to_picture[m / 3][m % 3]));
                        }
                }
                faces_free(faces);
                free(labels);
        }
}

/* ---- coming and going ---- */

static void test_presence(void **state)
{
        unsigned after = 0;

        begin(4);
        add(drawn_face(500, 300, 300));
        while (rig.count == 0 && after < 20) {
                step();
                after++;
        }
        assert_int_equal(after, BORN_MS / STEP_MS + 1);
        steps(5);
        rig.scene.count = 0; /* something is in front of it, but not for longer than it may be unseen */
        for (int i = 0; i < GONE_MS / STEP_MS; i++) {
                step();
                assert_int_equal(rig.count, 1);
        }
        rig.scene.count = 1;
        steps(5);
        assert_int_equal(rig.count, 1);
        assert_int_equal(rig.list[0].id, 1);
        assert_int_equal(rig.list[0].since_ns, 1000 * MS);
        rig.scene.count = 0;
        steps(GONE_MS / STEP_MS + 1);
        assert_int_equal(rig.count, 0);
        rig.scene.count = 1;
        steps(6);
        assert_int_equal(rig.count, 1);
        assert_int_equal(rig.list[0].id, 2);
        end();
}

/* The face that this one is reported as: the nearest. */
static const struct face *told(const struct drawn *face)
{
        const struct face *best = &rig.list[0];

        assert_true(rig.count > 0);
        for (size_t i = 1; i < rig.count; i++)
                if (fabsf(rig.list[i].upright.x * WIDTH - face->x) < fabsf(best->upright.x * WIDTH - face->x))
                        best = &rig.list[i];
        return best;
}

static float best_iou(const struct drawn *face)
{
        const struct face_box box = drawn_box(face, WIDTH, HEIGHT);
        float best = 0;

        for (size_t i = 0; i < rig.count; i++)
                best = fmaxf(best, iou(&rig.list[i].box, &box));
        return best;
}

/* Two people walk past each other, one in front of the other, slowly and fast. */
static void test_crossing(void **state)
{
        for (int frames = 25; frames <= 60; frames += 5) {
                uint32_t ids[2] = {0};
                float in_front = 0;

                begin(4);
                for (int i = 0; i <= frames; i++) {
                        const float way = (float)i / frames;
                        rig.scene.count = 0;
                        add(drawn_face(200 + 880 * way, 300, 240));
                        add(drawn_face(1080 - 880 * way, 320, 260));
                        step();
                        for (int k = 0; k < 2 && i == 8; k++)
                                ids[k] = told(&rig.scene.faces[k])->id;
                        in_front += i > 8 ? best_iou(&rig.scene.faces[1]) : 0;
                }
                assert_true(in_front / (frames - 8) >= 0.85f); /* its box goes with it */
                assert_int_equal(rig.count, 2);
                for (int k = 0; k < 2; k++)
                        assert_int_equal(told(&rig.scene.faces[k])->id, ids[k]);
                end();
        }
}

/* Somebody who went behind another person and does not come out does not stay present forever. */
static void test_hidden_for_good(void **state)
{
        begin(4);
        for (int i = 0; i <= 20; i++) {
                rig.scene.count = 0;
                add(drawn_face(200 + 20 * i, 300, 240));
                add(drawn_face(640, 310, 280));
                step();
        }
        assert_int_equal(rig.count, 2);
        const uint32_t id = told(&rig.scene.faces[1])->id;
        rig.scene.faces[0] = rig.scene.faces[1];
        rig.scene.count = 1;
        steps((1500 + GONE_MS) / STEP_MS + 2);
        assert_int_equal(rig.count, 1);
        assert_int_equal(rig.list[0].id, id);
        end();
}

/* Eight pieces that only look like heads from afar do not keep out a face. */
static void test_room_for_faces(void **state)
{
        begin(4);
        rig.scene.parts_least = 40;
        for (unsigned i = 0; i < FACES_MAX; i++) {
                add(drawn_face(100 + 150.0f * i, 120, 60));
                rig.scene.faces[i].faceless = true;
        }
        steps(3);
        add(drawn_face(640, 450, 240));
        steps(12);
        assert_int_equal(rig.count, 1);
        end();
}

/* If a face is not where it should be, the whole picture is wanted next. */
static void test_whole_after_a_loss(void **state)
{
        begin(4);
        add(drawn_face(700, 250, 120));
        steps(20);
        rig.scene.count = 0;
        do
                step();
        while (!rig.viewed);
        step();
        assert_int_equal(rig.look, LOOK_WHOLE);
        end();
}

static void test_reset(void **state)
{
        begin(4);
        add(drawn_face(500, 300, 300));
        steps(6);
        assert_int_equal(rig.count, 1);
        faces_reset(rig.faces);
        assert_int_equal(faces_list(rig.faces, rig.list), 0);
        step();
        assert_int_equal(rig.viewed, 0);
        steps(5);
        assert_int_equal(rig.count, 1);
        assert_int_equal(rig.list[0].id, 2);
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_boxes),          cmocka_unit_test(test_no_faces),
                cmocka_unit_test(test_hostile),        cmocka_unit_test(test_presence),
                cmocka_unit_test(test_crossing),       cmocka_unit_test(test_hidden_for_good),
                cmocka_unit_test(test_room_for_faces), cmocka_unit_test(test_whole_after_a_loss),
                cmocka_unit_test(test_reset),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
