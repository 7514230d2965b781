/* What the network sees of each frame, with a drawn face. */
#include <math.h>
#include <string.h>

#include "daemon/pipeline/views.h"
#include "tests/cm.h"
#include "tests/daemon/faces/drawing.h"

#define MS UINT64_C(1000000)

enum { WIDTH = 1280, HEIGHT = 720, NET_WIDTH = 320, NET_HEIGHT = 192, STEP_MS = 100 };

static struct rig {
        struct views views;
        struct scene scene;
        struct gpu_view view; /* that was chosen last */
        uint64_t now;
        uint8_t labels[NET_WIDTH * NET_HEIGHT];
        uint32_t answers[NET_WIDTH * NET_HEIGHT];
} rig;

static void begin(void)
{
        static struct model_info model = {.width = NET_WIDTH, .height = NET_HEIGHT};

        model.classes = drawn_class_count;
        for (uint32_t i = 0; i < drawn_class_count; i++)
                strcpy(model.class[i].name, drawn_classes[i]);
        rig = (struct rig){.now = 1000 * MS};
        rig.scene.faces[rig.scene.count++] = drawn_face(640, 300, 100);
        assert_int_equal(views_init(&rig.views, &(struct views_options){.model = &model,
                                                                        .width = WIDTH,
                                                                        .height = HEIGHT,
                                                                        .faces_most = 4,
                                                                        .born_ns = 300 * MS,
                                                                        .gone_ns = 1000 * MS}),
                         0);
}

static void end(void)
{
        views_finish(&rig.views);
}

static bool sees_face(void)
{
        return rig.views.now.look == LOOK_FACE;
}

static bool sees_whole(void)
{
        return memcmp(&rig.view.region, &rig.views.whole.region, sizeof rig.view.region) == 0;
}

/* One frame.  The upper bytes of an answer are not labels. */
static void step(bool fresh, uint64_t keep_ns)
{
        views_choose(&rig.views, rig.now, fresh, keep_ns, &rig.view);
        const struct face_view *now = &rig.views.now;
        scene_draw(&rig.scene, now, rig.labels);
        for (size_t i = 0; i < NET_WIDTH * NET_HEIGHT; i++)
                rig.answers[i] = rig.labels[i] | 0xabcdef00;
        views_take(&rig.views, rig.answers);
        rig.now += STEP_MS * MS;
}

static void test_first(void **state)
{
        begin();
        step(true, VIEWS_KEEP_NS);
        assert_true(sees_whole() && rig.view.memory == 0 && rig.view.kept_count == 0);
        end();
}

/* Finer answers replace coarser ones at once, and then count themselves. */
static void test_memory(void **state)
{
        begin();
        step(true, VIEWS_KEEP_NS);
        step(false, VIEWS_KEEP_NS);
        assert_true(!sees_whole() && rig.view.memory > 0 && rig.view.memory < 0.05f && rig.view.feather > 1);
        unsigned whole = 0;
        for (int i = 0; i < 12; i++) {
                step(false, VIEWS_KEEP_NS);
                assert_true(rig.view.memory > 0.5f && rig.view.memory <= 1);
                whole += sees_whole();
        }
        assert_in_range(whole, 2, 6);
        rig.now += 60000 * MS;
        step(false, 0);
        assert_true(rig.view.memory > 0 && rig.view.memory < 0.05f);
        end();
}

/* For the frames until the next view of the whole picture. */
static struct gpu_region until_whole(uint64_t keep_ns)
{
        struct gpu_region face = {0};

        do {
                step(false, keep_ns);
                if (!sees_whole())
                        face = rig.view.region;
        } while (!sees_whole());
        return face;
}

/* The whole picture leaves a face's own view alone, while that is new and the face is there. */
static void test_kept(void **state)
{
        begin();
        step(true, VIEWS_KEEP_NS);
        for (int i = 0; i < 5; i++)
                until_whole(VIEWS_KEEP_NS);
        const struct gpu_region face = until_whole(VIEWS_KEEP_NS);
        assert_true(rig.view.kept_count == 1);
        assert_memory_equal(rig.view.kept[0], face.from_picture, sizeof face.from_picture);
        /* Nothing in the map is newer than the oldest of both. */
        assert_int_equal(views_oldest_ns(&rig.views), rig.now - 2 * STEP_MS * MS);
        until_whole(STEP_MS * MS / 2);
        assert_true(rig.view.kept_count == 0);
        assert_int_equal(views_oldest_ns(&rig.views), rig.now - STEP_MS * MS);
        end();
}

/* A frame that needs labels of its own gets them everywhere, however new the view of a face. */
static void test_none_kept_if_all_is_needed(void **state)
{
        begin();
        step(true, VIEWS_KEEP_NS);
        for (int i = 0; i < 5; i++)
                until_whole(VIEWS_KEEP_NS);
        step(false, VIEWS_KEEP_NS);
        assert_true(!sees_whole());
        step(false, 0);
        assert_true(sees_whole() && rig.view.kept_count == 0);
        assert_int_equal(views_oldest_ns(&rig.views), rig.now - STEP_MS * MS);
        end();
}

static void test_whole_if_wanted(void **state)
{
        begin();
        step(true, VIEWS_KEEP_NS);
        for (int i = 0; i < 10; i++) {
                step(false, 0);
                assert_true(sees_whole() && views_oldest_ns(&rig.views) == rig.now - STEP_MS * MS);
        }
        end();
}

/* The map moves with a face, by whole pixels, and so does the face's own view.  `x` is where the map has the face: each
 * look that is written to it there has it in its place. */
static void test_moved(void **state)
{
        unsigned moves = 0, kept = 0;

        begin();
        float x = rig.scene.faces[0].x;
        step(true, VIEWS_KEEP_NS);
        for (int i = 0; i < 60; i++) {
                const bool rests = i < 8 || i >= 40;
                rig.scene.faces[0].x += rests ? 0 : 12;
                step(false, VIEWS_KEEP_NS);
                if (rig.view.moved_count > 0) {
                        const float by = rig.view.moved[0].by_x;
                        assert_true(by == roundf(by) && rig.view.moved[0].by_y == 0);
                        x += by;
                        moves++;
                        assert_true(!rests || i >= 40);
                }
                for (int k = 0; k < rig.view.kept_count; k++, kept++) {
                        const float(*back)[4] = rig.view.kept[k];
                        const float y = rig.scene.faces[0].y;
                        assert_float_equal(back[0][0] * x + back[0][1] * y + back[0][2], NET_WIDTH / 2.0f, 40);
                }
                if (!sees_whole() || rig.view.kept_count == 0)
                        x = rig.scene.faces[0].x;
                if (i > 12 && i < 40)
                        assert_float_equal(x, rig.scene.faces[0].x, 8);
                if (i > 46)
                        assert_float_equal(x, rig.scene.faces[0].x, 1.5);
        }
        assert_true(moves > 20 && kept > 4);
        end();
}

/* While a face moves, the whole picture is looked at every other time. */
static void test_whole_while_moving(void **state)
{
        unsigned whole = 0;

        begin();
        step(true, VIEWS_KEEP_NS);
        for (int i = 0; i < 20; i++) {
                rig.scene.faces[0].x += 15;
                step(false, VIEWS_KEEP_NS);
                whole += i >= 4 && sees_whole();
        }
        assert_in_range(whole, 7, 9);
        end();
}

/* Two heads side by side: a view of one leaves the other's alone, where that shows it better. */
static void test_beside(void **state)
{
        begin();
        rig.scene.faces[rig.scene.count++] = drawn_face(730, 300, 95);
        step(true, VIEWS_KEEP_NS);
        unsigned faces = 0;
        for (int i = 0; i < 14; i++) {
                step(false, VIEWS_KEEP_NS);
                if (i < 8 || !sees_face())
                        continue;
                assert_true(rig.view.kept_count == 1 && rig.view.kept_feather > 0);
                faces++;
        }
        assert_true(faces > 1);
        end();
}

/* A search leaves the map, and what is known of it, as they are; what it finds is looked at next. */
static void test_searched(void **state)
{
        unsigned searches = 0, looks = 0;

        begin();
        rig.scene.faces[rig.scene.count++] = drawn_face(200, 600, 60);
        rig.scene.seen_least = 20; /* in the whole picture it has 15 pixels */
        step(true, VIEWS_KEEP_NS);
        for (int i = 0; i < 150; i++) {
                const struct views before = rig.views;
                const uint64_t oldest_ns = views_oldest_ns(&rig.views);
                step(false, VIEWS_KEEP_NS);
                looks += sees_face() && rig.views.now.to_picture[0][2] < 300;
                if (rig.views.now.look != LOOK_SEARCH)
                        continue;
                assert_true(rig.view.feather == GPU_FEATHER_NOWHERE && rig.view.memory > 0);
                assert_memory_equal(before.kept, rig.views.kept, sizeof before.kept);
                assert_int_equal(views_oldest_ns(&rig.views), oldest_ns);
                assert_int_equal(rig.views.whole_ns, before.whole_ns);
                for (size_t k = 0; k < before.place_count; k++)
                        assert_memory_equal(&before.places[k], &rig.views.places[k], sizeof before.places[k]);
                searches++;
        }
        assert_in_range(searches, 4, 6);
        assert_true(looks > 3);
        end();
}

static void test_reset(void **state)
{
        begin();
        step(true, VIEWS_KEEP_NS);
        for (int i = 0; i < 6; i++)
                step(false, VIEWS_KEEP_NS);
        views_reset(&rig.views);
        step(false, VIEWS_KEEP_NS);
        assert_true(sees_whole() && rig.view.kept_count == 0);
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_kept),
                cmocka_unit_test(test_none_kept_if_all_is_needed),
                cmocka_unit_test(test_whole_if_wanted),
                cmocka_unit_test(test_moved),
                cmocka_unit_test(test_whole_while_moving),
                cmocka_unit_test(test_beside),
                cmocka_unit_test(test_searched),
                cmocka_unit_test(test_reset),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
