/* Model files: good ones are read as they were written; damaged ones are refused, and the message names what is
 * wrong. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph.h"
#include "model/model.h"
#include "model/network.h"
#include "model/safetensors.h"
#include "tests/cm.h"
#include "tests/model/forge.h"

static json_t *header;
static float *data;
static size_t size;

static int setup(void **state)
{
        struct model_info info = forge_info();

        header = forge_header(&info, false, &size);
        data = forge_data(false, size);
        return 0;
}

static int teardown(void **state)
{
        json_decref(header);
        free(data);
        forge_remove();
        return 0;
}

static void refuse(const char *culprit, const char *says)
{
        struct model *model = NULL;
        char why[512] = "";

        assert_int_equal(model_open(forge_path(), &model, why, sizeof why), -EBADMSG);
        assert_null(model);
        if (strncmp(why, forge_path(), strlen(forge_path())) != 0 || !strstr(why, culprit) || !strstr(why, says))
                fail_msg("\"%s\" does not name the file, \"%s\" and \"%s\"", why, culprit, says);
}

static void check_info(const struct model_info *a, const struct model_info *b)
{
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->block, b->block);
        assert_memory_equal(a->blocks, b->blocks, sizeof a->blocks);
        assert_memory_equal(a->stem, b->stem, sizeof a->stem);
        assert_memory_equal(a->planes, b->planes, sizeof a->planes);
        assert_memory_equal(&a->inverted, &b->inverted, sizeof a->inverted);
        assert_int_equal(a->head, b->head);
        assert_memory_equal(a->decoder, b->decoder, sizeof a->decoder);
        assert_int_equal(a->height, b->height);
        assert_int_equal(a->width, b->width);
        assert_int_equal(a->free_shape, b->free_shape);
        assert_int_equal(a->bgr, b->bgr);
        assert_memory_equal(a->mean, b->mean, sizeof a->mean);
        assert_memory_equal(a->std, b->std, sizeof a->std);
        assert_int_equal(a->classes, b->classes);
        for (uint32_t i = 0; i < a->classes; i++) {
                assert_string_equal(a->class[i].name, b->class[i].name);
                assert_memory_equal(a->class[i].color, b->class[i].color, 3);
        }
        assert_string_equal(a->license, b->license);
        assert_string_equal(a->provenance, b->provenance);
}

static void round_trip(const struct model_info *info, bool half)
{
        struct graph *graph;
        struct model *model;
        size_t bytes, at = 0;
        json_t *good = forge_header(info, half, &bytes);
        void *values = forge_data(half, bytes);
        char why[256] = "";

        forge_model(good, values, bytes);
        free(values);
        if (model_open(forge_path(), &model, why, sizeof why) < 0)
                fail_msg("%s", why);
        assert_string_equal(model_path(model), forge_path());
        check_info(model_info(model), info);

        assert_int_equal(network_new(model_info(model), GPU_F32, &graph), 0);
        for (uint32_t i = 0; i < graph->tensor_count; i++) {
                const struct graph_tensor *tensor = &graph->tensors[i];
                float *read;

                assert_int_equal(model_tensor(model, tensor->name, tensor->count, &read), 0);
                for (size_t j = 0; j < tensor->count; j++, at++) {
                        float expected = half ? safetensors_half(forge_half(at)) : forge_single(at);

                        assert_memory_equal(&read[j], &expected, sizeof expected);
                }
                free(read);
        }
        graph_free(graph);
        model_close(model);
}

static void test_round_trip(void **state)
{
        struct model_info info = forge_info();

        round_trip(&info, false);
        round_trip(&info, true);
        info.block = MODEL_BOTTLENECK;
        info.bgr = false;
        info.height = 33;
        info.width = 2048;
        strcpy(info.class[1].name, "Haut – ü");
        round_trip(&info, false);
        info = forge_inverted_info();
        round_trip(&info, false);
        info.height = info.width = 64;
        info.free_shape = true;
        round_trip(&info, true);
}

static void test_tensor(void **state)
{
        struct model *model;
        float *values = NULL;
        char why[256];

        forge_model(json_deep_copy(header), data, size);
        assert_int_equal(model_open(forge_path(), &model, why, sizeof why), 0);
        assert_int_equal(model_tensor(model, "conv9.bias", 8, &values), -ENOENT);
        assert_int_equal(model_tensor(model, "conv1.bias", 9, &values), -ENOENT);
        assert_null(values);
        model_close(model);
        model_close(NULL);
        assert_int_equal(model_open("/nonexistent/model", &model, why, sizeof why), -ENOENT);
        assert_non_null(strstr(why, "/nonexistent/model"));
}

#define CLASS(name, color) "{\"name\":\"" name "\",\"color\":\"" color "\"}"
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X32 X32 X32 X32 X32 X32 X32 X32

static const struct {
        const char *key, *value;
} garbage[] = {
        {"format", "\"visaged-2\""},
        {"format", "1"},
        {"format", "visaged-1"},
        {"name", "\"\""},
        {"name", "1"},
        {"name", "\"two\\nlines\""},
        {"name", "\"a \\u009b31m terminal\""},
        {"name", "\"\\u001b[31m\""},
        {"name", "\"del\\u007f\""},
        {"name", "\"" X32 X32 "\""},
        {"block", "\"Basic\""},
        {"block", "0"},
        {"block", "null"},
        {"blocks", "[3,4,23]"},
        {"blocks", "[3,4,23,3,1]"},
        {"blocks", "[3,4,23,0]"},
        {"blocks", "[3,4,23,65]"},
        {"blocks", "[3,4,23,-1]"},
        {"blocks", "[3,4,23,3.0]"},
        {"blocks", "[3,4,23,4294967299]"},
        {"blocks", "{\"0\":3}"},
        {"blocks", "3"},
        {"stem", "[8,16]"},
        {"stem", "[8,16,20]"},
        {"stem", "[8,16,0]"},
        {"stem", "[8,16,4104]"},
        {"stem", "[8,16,\"24\"]"},
        {"planes", "[8,16,16]"},
        {"planes", "[8,16,16,-8]"},
        {"planes", "[8,16,16,1000000000000]"},
        {"planes", "null"},
        {"head", "8"},
        {"head", "24"},
        {"head", "[16]"},
        {"head", "4112"},
        {"head", "true"},
        {"decoder", "[16]"},
        {"decoder", "[16,12]"},
        {"decoder", "\"16,8\""},
        {"input", "[40]"},
        {"input", "[32,48]"},
        {"input", "[40,2049]"},
        {"input", "[40,-48]"},
        {"input", "40"},
        {"shape", "\"round\""},
        {"shape", "null"},
        {"shape", "\"free\""}, /* too small an input for that */
        {"channels", "\"rgb\""},
        {"channels", "\"GRB\""},
        {"channels", "3"},
        {"mean", "[0,0]"},
        {"mean", "[0,0,0,0]"},
        {"mean", "[0,0,\"0\"]"},
        {"mean", "[0,0,1e300]"},
        {"mean", "[0,0,NaN]"},
        {"mean", "0.5"},
        {"std", "[1,1,0]"},
        {"std", "[1,1,-1]"},
        {"std", "[1,1,1e-300]"},
        {"std", "[1,1,1e39]"},
        {"std", "[1,1,null]"},
        {"classes", "[]"},
        {"classes", "{}"},
        {"classes", "[\"skin\"]"},
        {"classes", "[" CLASS("a", "#00000") "]"},
        {"classes", "[" CLASS("a", "#0000000") "]"},
        {"classes", "[" CLASS("a", "0000000") "]"},
        {"classes", "[" CLASS("a", "#000000x") "]"},
        {"classes", "[" CLASS("a", "#00000g") "]"},
        {"classes", "[" CLASS("a", "#+1+1+1") "]"},
        {"classes", "[" CLASS("a", "# 1 1 1") "]"},
        {"classes", "[" CLASS("", "#000000") "]"},
        {"classes", "[" CLASS(X32, "#000000") "]"},
        {"classes", "[" CLASS("a", "#000000") "," CLASS("a", "#000001") "]"},
        {"classes", "[{\"name\":\"a\"}]"},
        {"classes", "[{\"name\":\"a\",\"name\":\"b\",\"color\":\"#000000\"}]"},
        {"classes", "[{\"name\":\"a\",\"color\":\"#000000\",\"alpha\":1}]"},
        {"license", "\"\""},
        {"license", "{}"},
        {"license", "\"" X256 "\""},
        {"provenance", "[]"},
        {"provenance", "\"tab\\t\""},
        {"provenance", "\"" X256 X256 X256 X256 "\""},
};

/* The same with inverted blocks. */
static const struct {
        const char *key, *value;
} inverted_garbage[] = {
        {"stem", "[8,8,8]"},
        {"stem", "8"},
        {"stem", "[12]"},
        {"layers", "[]"},
        {"layers", "3"},
        {"layers", "[3,1,1,1,8,1]"},
        {"layers", "[[3,1,1,1,8]]"},
        {"layers", "[[3,1,1,1,8,1,1]]"},
        {"layers", "[[4,1,1,1,8,1]]"},
        {"layers", "[[7,1,1,1,8,1]]"},
        {"layers", "[[3,3,1,1,8,1]]"},
        {"layers", "[[3,1,5,1,8,1]]"},
        {"layers", "[[3,1,1,9,8,1]]"},
        {"layers", "[[3,1,1,0,8,1]]"},
        {"layers", "[[3,1,1,1,12,1]]"},
        {"layers", "[[3,1,1,1,2056,1]]"},
        {"layers", "[[3,1,1,1,8,65]]"},
        {"layers", "[[3,1,1,1,8,0]]"},
        {"layers", "[[3,1,1,1,8,-1]]"},
        {"layers", "[[3,1,1,1,8,1],[3,1,1,1,8,1],[3,1,1,1,8,1],[3,1,1,1,8,1],[3,1,1,1,8,1],[3,1,1,1,8,1],[3,1,1,1,8,1],"
                   "[3,1,1,1,8,1],[3,1,1,1,8,1]]"},
        {"decoder", "[]"},
        {"decoder", "[16,8]"},
        {"decoder", "[[16,8]]"},
        {"decoder", "[[16,8,5],[8,8,3],[8,8,3]]"}, /* the map is halved only twice */
        {"decoder", "[[12,8,5],[8,8,3]]"},
        {"decoder", "[[16,0,5],[8,8,3]]"},
        {"decoder", "[[16,8,1],[8,8,3]]"},
};

/* Values that no key can have. */
static const char *const never[] = {"", " ", "{", "\"", "\"a\" b", "[1,2", "undefined", "\"\xc3\"", "[[[[[[[[]]]]]]]]"};

static void refuse_metadata(const char *key, const char *value)
{
        json_t *damaged = json_deep_copy(header), *metadata = json_object_get(damaged, "__metadata__");
        char quoted[64];

        if (!value)
                json_object_del(metadata, key);
        else
                json_object_set_new(metadata, key, json_string_nocheck(value));
        snprintf(quoted, sizeof quoted, "\"%s\"", key);
        forge_model(damaged, data, size);
        refuse("metadata", quoted);
}

static void test_metadata(void **state)
{
        const char *key;
        json_t *value, *damaged;
        char *deep = malloc(100001);

        assert_non_null(deep);
        memset(deep, '[', 100000);
        deep[100000] = '\0';
        for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++)
                refuse_metadata(garbage[i].key, garbage[i].value);
        assert_int_equal(json_object_size(json_object_get(header, "__metadata__")), 15);
        json_object_foreach(json_object_get(header, "__metadata__"), key, value)
        {
                refuse_metadata(key, NULL);
                refuse_metadata(key, deep);
                for (size_t i = 0; i < sizeof never / sizeof *never; i++)
                        if (!strchr(never[i], '\xc3'))
                                refuse_metadata(key, never[i]);
        }
        free(deep);

        damaged = json_deep_copy(header);
        json_object_del(damaged, "__metadata__");
        forge_model(damaged, data, size);
        refuse("metadata", "\"format\"");
}

static void test_inverted_metadata(void **state)
{
        struct model_info info = forge_inverted_info();
        size_t bytes;
        json_t *good = forge_header(&info, false, &bytes);
        void *values = forge_data(false, bytes);

        for (size_t i = 0; i < sizeof inverted_garbage / sizeof *inverted_garbage; i++) {
                json_t *damaged = json_deep_copy(good);
                char quoted[64];

                json_object_set_new(json_object_get(damaged, "__metadata__"), inverted_garbage[i].key,
                                    json_string(inverted_garbage[i].value));
                snprintf(quoted, sizeof quoted, "\"%s\"", inverted_garbage[i].key);
                forge_model(damaged, values, bytes);
                refuse("metadata", quoted);
        }
        free(values);
        json_decref(good);
}

static void test_many_classes(void **state)
{
        char text[65 * 48] = "[", *at = text + 1;

        for (int i = 0; i < 65; i++)
                at += sprintf(at, "%s{\"name\":\"%d\",\"color\":\"#000000\"}", i ? "," : "", i);
        strcpy(at, "]");
        refuse_metadata("classes", text);
}

static void test_fit(void **state)
{
        static const struct {
                uint32_t input[2], picture[2], fitted[2]; /* height, width */
        } cases[] = {
                {{256, 256}, {512, 512}, {256, 256}},   {{256, 256}, {480, 640}, {224, 288}},
                {{256, 256}, {640, 480}, {288, 224}},   {{256, 256}, {720, 1280}, {192, 336}},
                {{256, 256}, {1, 4000}, {176, 368}},    {{256, 256}, {4000, 1}, {368, 176}},
                {{192, 320}, {1000, 1000}, {240, 256}}, {{64, 64}, {1, 2}, {48, 80}},
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct model_info info = {.height = cases[i].input[0], .width = cases[i].input[1]};

                model_fit(&info, cases[i].picture[1], cases[i].picture[0]);
                assert_int_equal(info.height, cases[i].input[0]);
                assert_int_equal(info.width, cases[i].input[1]);
                info.free_shape = true;
                model_fit(&info, cases[i].picture[1], cases[i].picture[0]);
                assert_int_equal(info.height, cases[i].fitted[0]);
                assert_int_equal(info.width, cases[i].fitted[1]);
                assert_true(info.height * info.width <= cases[i].input[0] * cases[i].input[1]);
        }
}

/* A network other than the one whose tensors the file has. */
static void test_other_network(void **state)
{
        static const struct {
                const char *key, *value, *culprit;
        } others[] = {
                {"block", "\"bottleneck\"", "tensor layer1.0.conv1.weight"},
                {"blocks", "[1,2,1,2]", "tensor layer4.1.conv1.weight"},
                {"blocks", "[1,1,1,1]", "tensor layer2.1.conv1.bias"},
                {"stem", "[16,16,24]", "tensor conv1.weight"},
                {"planes", "[8,16,16,16]", "tensor layer4.0.conv1.weight"},
                {"head", "32", "tensor context.conva.0.weight"},
                {"decoder", "[16,16]", "tensor layer6.conv2.0.weight"},
                {"classes", "[" CLASS("a", "#000000") "]", "tensor layer6.conv4.weight"},
        };

        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                json_t *damaged = json_deep_copy(header);

                json_object_set_new(json_object_get(damaged, "__metadata__"), others[i].key,
                                    json_string(others[i].value));
                forge_model(damaged, data, size);
                refuse(others[i].culprit, "");
        }
}

/* Each tensor in turn is renamed, so that one is missing and there is one too many. */
static void test_missing(void **state)
{
        const char *name;
        json_t *entry;

        json_object_foreach(header, name, entry)
        {
                json_t *damaged;

                if (strcmp(name, "__metadata__") == 0)
                        continue;
                damaged = json_deep_copy(header);
                json_object_set_new(damaged, "other", json_deep_copy(entry));
                json_object_del(damaged, name);
                forge_model(damaged, data, size);
                refuse(name, "missing");
        }
}

static void test_extra(void **state)
{
        json_t *damaged = json_deep_copy(header);
        char *longer = malloc(size + 4);

        assert_non_null(longer);
        memcpy(longer, data, size);
        memset(longer + size, 0, 4);
        json_object_set_new(damaged, "edge_layer.conv1.0.weight",
                            json_pack("{s:s,s:[i],s:[I,I]}", "dtype", "F32", "shape", 1, "data_offsets",
                                      (json_int_t)size, (json_int_t)size + 4));
        forge_model(damaged, longer, size + 4);
        refuse("tensor edge_layer.conv1.0.weight", "not part");
        free(longer);
}

/* The right number of elements, in another shape. */
static void test_misshapen(void **state)
{
        static const struct {
                const char *name, *shape, *says;
        } cases[] = {
                {"conv1.weight", "[3,8,3,3]", "3x8x3x3, must be 8x3x3x3"},
                {"conv1.weight", "[8,27]", "8x27, must be 8x3x3x3"},
                {"conv1.bias", "[8,1]", "8x1, must be 8"},
                {"conv1.bias", "[2,2,2]", "2x2x2, must be 8"},
                {"context.dualgcn.gamma1", "[]", "must be 1"},
                {"context.dualgcn.conv_wg.weight", "[8,8]", "must be 8x8x1"},
                {"context.dualgcn.conv_wg.weight", "[8,8,1,1]", "must be 8x8x1"},
                {"context.dualgcn.local.2.weight", "[16,3,3]", "must be 16x1x3x3"},
                {"context.dualgcn.local.2.weight", "[1,16,3,3]", "must be 16x1x3x3"},
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                json_t *damaged = json_deep_copy(header);

                json_object_set_new(json_object_get(damaged, cases[i].name), "shape",
                                    json_loads(cases[i].shape, 0, NULL));
                forge_model(damaged, data, size);
                refuse(cases[i].name, cases[i].says);
        }
}

static void test_not_finite(void **state)
{
        static const float wrong[] = {NAN, -NAN, INFINITY, -INFINITY};
        static const uint16_t wrong_half[] = {0x7c00, 0xfc00, 0x7e00, 0x7c01, 0xffff};
        struct model_info info = forge_info();
        json_t *damaged;
        uint16_t *halves;
        size_t half_size, last = size / 4 - 1;

        for (size_t i = 0; i < 4; i++) {
                float kept = data[last];

                data[last] = wrong[i];
                forge_model(json_deep_copy(header), data, size);
                refuse("tensor layer6.conv4.bias: element 2", "finite");
                data[last] = kept;
        }
        for (size_t i = 0; i < 5; i++) {
                damaged = forge_header(&info, true, &half_size);
                halves = forge_data(true, half_size);
                halves[5] = wrong_half[i];
                forge_model(damaged, halves, half_size);
                refuse("tensor conv1.weight: element 5", "finite");
                free(halves);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_tensor),
                cmocka_unit_test(test_metadata),      cmocka_unit_test(test_many_classes),
                cmocka_unit_test(test_other_network), cmocka_unit_test(test_missing),
                cmocka_unit_test(test_extra),         cmocka_unit_test(test_misshapen),
                cmocka_unit_test(test_not_finite),    cmocka_unit_test(test_inverted_metadata),
                cmocka_unit_test(test_fit),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
