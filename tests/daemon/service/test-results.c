/* The lines of JSON for subscribers, of faces made by hand. */
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/service/results-json.h"
#include "tests/cm.h"

enum { CLASSES = 19 };

static const char names[CLASSES][CONTROL_NAME_MAX] = {
        "background", "skin",      "left brow", "right brow", "left eye",    "right eye", "eyeglasses",
        "left ear",   "right ear", "earring",   "nose",       "inner mouth", "upper lip", "lower lip",
        "neck",       "necklace",  "clothes",   "hair",       "hat",
};
static uint64_t counts[CLASSES];
static struct face faces[FACES_MAX];

/* Every number as long as it gets in a day of Full HD. */
static struct result largest(void)
{
        for (int i = 0; i < CLASSES; i++)
                counts[i] = 1000000 + i;
        for (uint32_t i = 0; i < FACES_MAX; i++) {
                faces[i] = (struct face){
                        .id = 10000 + i,
                        .since_ns = UINT64_C(86400123456789),
                        .seen_ns = UINT64_C(86400223456789),
                        .viewed_ns = UINT64_C(86400323456789),
                        .confidence = 0.875f,
                        .box = {0.123456f, 0.5f, 0.25f, 0.9876543f},
                        .upright = {0.643f, 0.9259f, 0.64297f, 0.5f, -123.5f},
                };
                for (int k = 0; k < CLASSES; k++)
                        faces[i].areas[k] = 100000 + k;
                for (int k = 0; k < FACE_QUESTIONS; k++)
                        faces[i].answers[k] = FACE_NO;
        }
        return (struct result){.sequence = 2592000,
                               .time_ns = UINT64_C(86400987654321),
                               .width = 1920,
                               .height = 1080,
                               .names = names,
                               .counts = counts,
                               .classes = CLASSES,
                               .faces = faces,
                               .face_count = FACES_MAX,
                               .parse_ms = 1234.567};
}

/* As the bus ends it. */
static json_t *parse(char line[CONTROL_LINE_MAX], size_t length)
{
        static const char end[] = ",\"dropped\":18446744073709551615}\n";

        assert_int_not_equal(length, 0);
        assert_int_equal(strlen(line), length);
        assert_true(length + sizeof end <= CONTROL_LINE_MAX);
        memcpy(line + length, ",\"dropped\":7}", sizeof ",\"dropped\":7}");
        json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        return root;
}

static json_t *line_of(const struct result *result)
{
        char line[CONTROL_LINE_MAX];

        return parse(line, results_json_line(result, line));
}

static const json_t *face_of(const json_t *root, size_t i)
{
        return json_array_get(json_object_get(root, "faces"), i);
}

static void test_a_face(void **state)
{
        struct result result = largest();
        long long id, since, seen, viewed, skin, nose;
        double box[4], upright[4], roll, confidence;
        int left, mouth;

        result.face_count = 1;
        faces[0].areas[10] = 0;
        faces[0].answers[FACE_LEFT_EYE_OPEN] = FACE_YES;
        faces[0].answers[FACE_GLASSES] = FACE_UNKNOWN;
        json_t *root = line_of(&result);
        assert_int_equal(json_unpack((json_t *)face_of(root, 0),
                                     "{s:I, s:I, s:I, s:I, s:[FFFF], s:[FFFF], s:F, s:F, s:{s:I}, s:b, s:b, s:n}", "id",
                                     &id, "since_ns", &since, "seen_ns", &seen, "viewed_ns", &viewed, "box", &box[0],
                                     &box[1], &box[2], &box[3], "upright", &upright[0], &upright[1], &upright[2],
                                     &upright[3], "roll", &roll, "confidence", &confidence, "areas", "skin", &skin,
                                     "left_eye_open", &left, "mouth_open", &mouth, "glasses"),
                         0);
        assert_int_equal(json_unpack((json_t *)face_of(root, 0), "{s:{s:I}}", "areas", "nose", &nose), -1);
        assert_int_equal(id, 10000);
        assert_int_equal(since, 86400123456789);
        assert_int_equal(seen, 86400223456789);
        assert_int_equal(viewed, 86400323456789);
        assert_true(box[0] == 0.1235 && box[1] == 0.5 && box[2] == 0.25 && box[3] == 0.9877);
        assert_true(upright[0] == 0.643 && upright[1] == 0.9259 && upright[2] == 0.643 && upright[3] == 0.5 &&
                    roll == -123.5);
        assert_int_equal(skin, 100001);
        assert_true(left && !mouth);
        json_decref(root);
}

/* Eight faces always fit without their areas; fewer keep them. */
static void test_all_fit(void **state)
{
        struct result result = largest();

        for (result.face_count = 0; result.face_count <= FACES_MAX; result.face_count++) {
                json_t *root = line_of(&result);
                assert_int_equal(json_array_size(json_object_get(root, "faces")), result.face_count);
                assert_int_equal(json_object_size(json_object_get(root, "classes")), CLASSES - 1);
                for (size_t i = 0; i < result.face_count; i++) {
                        const json_t *face = face_of(root, i);
                        assert_int_equal(json_integer_value(json_object_get(face, "id")), 10000 + i);
                        if (result.face_count <= 4)
                                assert_int_equal(json_object_size(json_object_get(face, "areas")), CLASSES - 1);
                }
                json_decref(root);
        }
}

/* Of a model with many classes of long names. */
static void test_too_much(void **state)
{
        static char long_names[64][CONTROL_NAME_MAX];
        static uint64_t many[64];
        struct result result = largest();

        for (int i = 0; i < 64; i++) {
                memset(long_names[i], 'a' + i % 26, CONTROL_NAME_MAX - 1);
                many[i] = 2000000;
        }
        result.names = long_names;
        result.classes = 64;
        result.counts = many;
        json_t *root = line_of(&result);
        assert_int_equal(json_array_size(json_object_get(root, "faces")), FACES_MAX);
        assert_int_equal(json_object_size(json_object_get(root, "classes")), 0);
        json_decref(root);
}

static bool has(const json_t *array, const char *name)
{
        const json_t *value;
        size_t i;

        json_array_foreach((json_t *)array, i, value) if (strcmp(json_string_value(value), name) == 0) return true;
        return false;
}

/* The first line names every field of the others, and no other. */
static void test_the_first_line(void **state)
{
        const struct result result = largest();
        char line[CONTROL_LINE_MAX];
        const char *name;
        json_t *value;

        json_t *first = parse(line, results_json_first(line)), *root = line_of(&result);
        const json_t *fields = json_object_get(first, "fields"), *of_faces = json_object_get(first, "face_fields");
        assert_int_equal(json_integer_value(json_object_get(first, "version")), 2);
        assert_int_equal(json_array_size(fields), json_object_size(root));
        json_object_foreach(root, name, value) assert_true(has(fields, name));
        assert_int_equal(json_array_size(of_faces), json_object_size(face_of(root, 0)));
        json_object_foreach((json_t *)face_of(root, 0), name, value) assert_true(has(of_faces, name));
        json_decref(first);
        json_decref(root);
}

static void test_names(void **state)
{
        char name[CONTROL_NAME_MAX];

        results_json_name("a \"b\\c\n\xc3\xa9 d", name);
        assert_string_equal(name, "a bc d");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_face),         cmocka_unit_test(test_all_fit), cmocka_unit_test(test_too_much),
                cmocka_unit_test(test_the_first_line), cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
