/* Faces as objects, on drawn label maps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cm.h"
#include "tests/daemon/faces/drawing.h"

#define MS UINT64_C(1000000)

enum { WIDTH = 1280, HEIGHT = 720, VIEW_WIDTH = 320, VIEW_HEIGHT = 192, STEP_MS = 100, BORN_MS = 300, GONE_MS = 1200 };

static struct rig {
        struct faces *faces;
        struct scene scene;
        uint64_t now;
        uint8_t labels[VIEW_WIDTH * VIEW_HEIGHT];
        struct face list[FACES_MAX];
        size_t count;
        uint32_t viewed; /* the face of the last view; 0: the whole picture */
        float to_picture[2][3];
        const uint8_t *translate; /* drawn classes to the model's; NULL: they are the same */
        bool noise;
        uint32_t random;
} rig;

static void begin_with(uint32_t most, const char *const *classes, uint32_t class_count)
{
        const struct faces_options options = {
                .classes = classes,
                .class_count = class_count,
                .width = WIDTH,
                .height = HEIGHT,
                .view_width = VIEW_WIDTH,
                .view_height = VIEW_HEIGHT,
                .most = most,
                .born_ns = BORN_MS * MS,
                .gone_ns = GONE_MS * MS,
        };

        rig = (struct rig){.now = 1000 * MS};
        assert_int_equal(faces_new(&options, &rig.faces), 0);
}

static void begin(uint32_t most)
{
        begin_with(most, drawn_classes, drawn_class_count);
}

static void end(void)
{
        faces_free(rig.faces);
}

/* Where the whole picture lies in the network's input. */
static void whole(float ret[2][3])
{
        const float scale = fmaxf((float)WIDTH / VIEW_WIDTH, (float)HEIGHT / VIEW_HEIGHT);

        memset(ret, 0, 6 * sizeof(float));
        ret[0][0] = ret[1][1] = scale;
        ret[0][2] = (WIDTH - scale * VIEW_WIDTH) / 2;
        ret[1][2] = (HEIGHT - scale * VIEW_HEIGHT) / 2;
}

static void see(const struct face_view *view)
{
        faces_see(rig.faces, view);
        rig.count = faces_list(rig.faces, rig.list);
}

/* One label in a hundred is random. */
static void scatter(void)
{
        for (size_t i = 0; i < sizeof rig.labels; i++) {
                rig.random = rig.random * 1664525 + 1013904223;
                if (rig.random >> 16 & 1 && (rig.random >> 17) % 50 == 0)
                        rig.labels[i] = (rig.random >> 24) % drawn_class_count;
        }
}

/* One run of a network, of whatever is wanted next. */
static void step(void)
{
        struct face_view view = {.labels = rig.labels, .width = VIEW_WIDTH, .height = VIEW_HEIGHT, .time_ns = rig.now};

        faces_next(rig.faces, rig.now, &view);
        if (!view.face)
                whole(view.to_picture);
        scene_draw(&rig.scene, &view, rig.labels);
        if (rig.translate)
                for (size_t i = 0; i < sizeof rig.labels; i++)
                        rig.labels[i] = rig.translate[rig.labels[i]];
        if (rig.noise)
                scatter();
        see(&view);
        rig.viewed = view.face;
        memcpy(rig.to_picture, view.to_picture, sizeof rig.to_picture);
        rig.now += STEP_MS * MS;
}

static void steps(unsigned count)
{
        while (count--)
                step();
}

static float iou(const struct face_box *a, const struct face_box *b)
{
        const float width = fminf(a->left + a->width, b->left + b->width) - fmaxf(a->left, b->left);
        const float height = fminf(a->top + a->height, b->top + b->height) - fmaxf(a->top, b->top);
        const float both = fmaxf(width, 0) * fmaxf(height, 0);

        return both / (a->width * a->height + b->width * b->height - both);
}

static void add(struct drawn face)
{
        rig.scene.faces[rig.scene.count++] = face;
}

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
                                view.face = k; /* which is followed by nobody */
                                faces_see(faces, &view);
                                const size_t count = faces_list(faces, list);
                                assert_in_range(count, 0, FACES_MAX);
                                for (size_t f = 0; f < count; f++)
                                        assert_true(isfinite(list[f].upright.x + list[f].upright.roll +
                                                             list[f].box.left + list[f].box.width));
                                struct face_view next = {0};
                                faces_next(faces, view.time_ns, &next);
                                for (int m = 0; next.face && m < 6; m++)
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
        assert_int_equal(rig.viewed, 0);
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

/* ---- what a face does ---- */

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

/* ---- where the network looks ---- */

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

/* A tilted head stands upright in its view. */
static void test_upright_views(void **state)
{
        begin(4);
        add(drawn_face(700, 350, 120));
        rig.scene.faces[0].roll = 25;
        for (int i = 0; i < 20 || !rig.viewed; i++)
                step();
        const float angle = atan2f(rig.to_picture[1][0], rig.to_picture[0][0]) * 57.29578f;
        assert_true(fabsf(angle - 25) <= 7);
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_boxes),
                cmocka_unit_test(test_no_faces),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_presence),
                cmocka_unit_test(test_crossing),
                cmocka_unit_test(test_hidden_for_good),
                cmocka_unit_test(test_room_for_faces),
                cmocka_unit_test(test_whole_after_a_loss),
                cmocka_unit_test(test_nods),
                cmocka_unit_test(test_other_models),
                cmocka_unit_test(test_blinks_in_noise),
                cmocka_unit_test(test_reset),
                cmocka_unit_test(test_blinks),
                cmocka_unit_test(test_surprise),
                cmocka_unit_test(test_talks),
                cmocka_unit_test(test_turns),
                cmocka_unit_test(test_wears_and_hides),
                cmocka_unit_test(test_far),
                cmocka_unit_test(test_turns_of_views),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_most),
                cmocka_unit_test(test_rests),
                cmocka_unit_test(test_upright_views),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
