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

/* ---- searches ---- */

/* Whoever stands so far away that the whole picture does not show it, wherever that is, is found by a search of all
 * parts, looked at from nearer, and stays. */
static void test_found_by_search(void **state)
{
        static const float places[][2] = {{60, 60},  {640, 360},  {1200, 50}, {700, 250},
                                          {40, 660}, {1230, 680}, {560, 430}};

        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
                begin(4);
                add(drawn_face(places[i][0], places[i][1], 72));
                rig.scene.seen_least = 25; /* the whole picture shows it with 18 pixels, a part with 31 */
                unsigned views = 0;
                for (int k = 0; k < 50; k++)
                        step();
                assert_int_equal(rig.count, 1);
                for (int k = 0; k < 50; k++) {
                        step();
                        assert_int_equal(rig.count, 1);
                        assert_int_equal(rig.list[0].id, 1);
                        views += rig.viewed != 0;
                }
                assert_true(views >= 25);
                const struct face_box box = drawn_box(&rig.scene.faces[0], WIDTH, HEIGHT);
                assert_true(iou(&rig.list[0].box, &box) >= 0.85f);
                rig.scene.count = 0;
                steps((GONE_MS + 300) / STEP_MS + 1);
                assert_int_equal(rig.count, 0);
                end();
        }
}

/* All have their turns, so that none is gone because the whole picture does not show it. */
static void test_many_far(void **state)
{
        begin(FACES_MAX);
        for (unsigned i = 0; i < FACES_MAX; i++)
                add(drawn_face(120 + 300.0f * (i % 4), i < 4 ? 200 : 500, 72));
        rig.scene.seen_least = 25;
        steps(150); /* for each of four parts a search in thirty */
        for (int i = 0; i < 100; i++) {
                step();
                assert_int_equal(rig.count, FACES_MAX);
                for (size_t k = 0; k < rig.count; k++)
                        assert_in_range(rig.list[k].id, 1, FACES_MAX);
        }
        end();
}

static unsigned searches_of(unsigned count, unsigned run_ms)
{
        unsigned searches = 0;

        while (count--) {
                step();
                rig.now += run_ms * MS - STEP_MS * MS;
                searches += rig.look == LOOK_SEARCH;
        }
        return searches;
}

/* Once a second, and at most one run in ten, or in thirty if there is a face; not if runs take long, or while it moves.
 */
static void test_when_searched(void **state)
{
        for (int present = 0; present < 2; present++) {
                begin(4);
                if (present)
                        add(drawn_face(640, 380, 300));
                assert_in_range(searches_of(120, 100), present ? 3 : 9, present ? 4 : 12);
                assert_in_range(searches_of(120, 200), present ? 3 : 9, present ? 4 : 12);
                assert_in_range(searches_of(120, 30), present ? 2 : 3, 4);
                searches_of(1, 350);
                assert_int_equal(searches_of(50, 350), 0);
                end();
        }
        begin(4);
        add(drawn_face(640, 360, 300));
        for (int i = 0; i < 50; i++) {
                rig.scene.faces[0].x += 30 * cosf(i / 4.0f);
                rig.scene.faces[0].y += 30 * sinf(i / 4.0f);
                step();
                assert_true(rig.look != LOOK_SEARCH);
        }
        end();
}

/* A search changes nothing that is told of faces, whether it shows them or not. */
static void test_search_disturbs_none(void **state)
{
        unsigned searches = 0;

        begin(1);
        add(drawn_face(640, 380, 400));
        add(drawn_face(200, 150, 160));
        add(drawn_face(1100, 600, 120));
        steps(8);
        for (int i = 0; i < 240; i++) {
                const struct rig before = rig;
                step();
                assert_int_equal(rig.count, 3);
                if (rig.look != LOOK_SEARCH)
                        continue;
                searches++;
                for (size_t k = 0; k < 3; k++) {
                        assert_int_equal(rig.list[k].id, before.list[k].id);
                        assert_int_equal(rig.list[k].seen_ns, before.list[k].seen_ns);
                        assert_memory_equal(&rig.list[k].box, &before.list[k].box, sizeof before.list[k].box);
                        assert_memory_equal(rig.list[k].areas, before.list[k].areas, sizeof before.list[k].areas);
                        assert_memory_equal(rig.list[k].answers, before.list[k].answers, sizeof before.list[k].answers);
                }
        }
        assert_true(searches >= 6);
        end();
}

/* What only searches show is never present: each must be confirmed by another view. */
static void test_search_is_not_enough(void **state)
{
        struct scene empty = {.count = 0};

        begin(4);
        add(drawn_face(640, 360, 72)); /* in all parts */
        rig.scene.seen_least = 25;
        for (int i = 0; i < 120; i++) {
                const struct scene all = rig.scene;
                struct face_view next = {0};
                faces_next(rig.faces, rig.now, &next);
                if (next.look != LOOK_SEARCH)
                        rig.scene = empty;
                step();
                rig.scene = all;
                assert_int_equal(rig.count, 0);
        }
        end();
}

/* Whether a search of a part that begins there leads to a look at a face. */
static bool leads_to_look(float left, float top)
{
        const float scale = 2;
        struct face_view view = {.labels = rig.labels,
                                 .width = VIEW_WIDTH,
                                 .height = VIEW_HEIGHT,
                                 .look = LOOK_SEARCH,
                                 .to_picture = {{scale, 0, left}, {0, scale, top}}};

        rig.scene.seen_least = 25;
        step();
        view.time_ns = rig.now;
        scene_draw(&rig.scene, &view, rig.labels);
        see(&view);
        step();
        return rig.look == LOOK_FACE;
}

/* What an edge of the part cuts is left to the part beside it; what the picture's edge cuts is not. */
static void test_cut_by_search(void **state)
{
        static const struct {
                float x, y, left, top;
                bool whole;
        } cases[] = {
                {300, 300, 0, 0, true},      {640, 300, 0, 0, false},     {300, 384, 0, 0, false},
                {640, 300, 640, 200, false}, {900, 330, 640, 336, false}, {4, 300, 0, 100, true},
                {1276, 500, 640, 336, true}, {900, 8, 640, 0, true},      {900, 712, 640, 336, true},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                begin(4);
                add(drawn_face(cases[i].x, cases[i].y, 72));
                assert_int_equal(leads_to_look(cases[i].left, cases[i].top), cases[i].whole);
                end();
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_far),
                cmocka_unit_test(test_turns_of_views),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_most),
                cmocka_unit_test(test_rests),
                cmocka_unit_test(test_upright_views),
                cmocka_unit_test(test_rough_views),
                cmocka_unit_test(test_found_by_search),
                cmocka_unit_test(test_many_far),
                cmocka_unit_test(test_when_searched),
                cmocka_unit_test(test_search_disturbs_none),
                cmocka_unit_test(test_cut_by_search),
                cmocka_unit_test(test_search_is_not_enough),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
