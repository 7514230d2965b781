/* The parser on whichever device is the default: the small networks of model/answer.h, and a forged model file. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/answer.h"
#include "model/build.h"
#include "tests/cm.h"
#include "tests/model/forge.h"

static struct gpu *gpu;
static const struct answer *answer; /* the current one */

static int setup(void **state)
{
        const char *backend = getenv("VISAGED_BACKEND");
        struct gpu_options options = {.backend = GPU_BACKEND_TILED};
        char why[512] = "";

        if (backend && strcmp(backend, "subgroup") == 0)
                options.backend = GPU_BACKEND_SUBGROUP;
        if (gpu_open(&options, &gpu, why, sizeof why) == 0)
                return 0;
        print_error("%s\n", why);
        return -1;
}

static int teardown(void **state)
{
        unsigned messages = gpu_validation_messages(gpu);

        gpu_close(gpu);
        forge_remove();
        return messages ? -1 : 0;
}

/* A parser with a picture as its input and labels as its output. */
struct rig {
        struct parser *parser;
        struct gpu_program *program;
        struct gpu_image image;
        struct gpu_answers answers, map;
        struct gpu_labels labels;
        struct gpu_buffer *view, *readback;
};

static struct gpu_view *rig_view(const struct rig *rig)
{
        return gpu_buffer_map(rig->view);
}

/* At first it sees the whole picture. */
static void rig_new(struct rig *rig, struct parser *parser, const struct model_info *info, uint32_t width,
                    uint32_t height, const uint8_t *picture)
{
        const uint64_t size = gpu_labels_size(width, height), image = gpu_image_size(width, height);

        *rig = (struct rig){
                .parser = parser,
                .image = {NULL, width, height},
                .answers = {NULL, info->width, info->height},
                .map = {NULL, width, height},
                .labels = {NULL, width, height},
        };
        assert_int_equal(gpu_buffer_new(gpu, image, GPU_MEMORY_DEVICE, "picture", &rig->image.buffer), 0);
        assert_int_equal(gpu_buffer_write(rig->image.buffer, 0, picture, image), 0);
        assert_int_equal(gpu_buffer_new(gpu, gpu_image_size(info->width, info->height), GPU_MEMORY_DEVICE, "answers",
                                        &rig->answers.buffer),
                         0);
        assert_int_equal(gpu_buffer_new(gpu, image, GPU_MEMORY_DEVICE, "map", &rig->map.buffer), 0);
        assert_int_equal(gpu_buffer_new(gpu, size, GPU_MEMORY_DEVICE, "labels", &rig->labels.buffer), 0);
        assert_int_equal(gpu_buffer_new(gpu, size, GPU_MEMORY_READBACK, "readback", &rig->readback), 0);
        assert_int_equal(gpu_buffer_new(gpu, sizeof(struct gpu_view), GPU_MEMORY_UPLOAD, "view", &rig->view), 0);
        *rig_view(rig) = gpu_view_whole(width, height, info->width, info->height);
        assert_int_equal(gpu_program_new(gpu, "test", &rig->program), 0);
        const struct gpu_block view = {rig->view};
        assert_int_equal(parser_record(parser, rig->program, &rig->image, &view, &rig->answers), 0);
        assert_int_equal(op_place(rig->program, &rig->answers, &view, &rig->image, &rig->map, &rig->map), 0);
        assert_int_equal(op_labels(rig->program, &rig->map, &rig->labels), 0);
        assert_int_equal(op_copy(rig->program, rig->labels.buffer, rig->readback, size), 0);
        assert_int_equal(gpu_program_end(rig->program), 0);
}

static void rig_free(struct rig *rig)
{
        gpu_program_free(rig->program);
        gpu_buffer_free(rig->readback);
        gpu_buffer_free(rig->view);
        gpu_buffer_free(rig->labels.buffer);
        gpu_buffer_free(rig->map.buffer);
        gpu_buffer_free(rig->answers.buffer);
        gpu_buffer_free(rig->image.buffer);
        parser_free(rig->parser);
}

static float *run(struct rig *rig)
{
        uint32_t classes, height, width;
        float *logits;

        assert_int_equal(gpu_run(rig->program), 0);
        assert_int_equal(parser_logits(rig->parser, &logits, &classes, &height, &width), 0);
        assert_int_equal(classes, answer->info.classes);
        assert_int_equal(height, answer->info.height);
        assert_int_equal(width, answer->info.width);
        return logits;
}

/* The largest error at the stored points, relative to the largest logit. */
static float worst(const float *logits)
{
        float most = 0;

        for (unsigned n = 0; n < ANSWER_POINTS; n++)
                most = fmaxf(most, fabsf(logits[answer_index(&answer->info, n)] - answer->points[n]) / answer->peak);
        return most;
}

/* answer.h's weights, with one tensor halved. */
static int halved_tensor(const void *context, const struct graph_tensor *tensor, float **ret)
{
        int r = answer_tensor(&answer->info, tensor, ret);

        for (size_t i = 0; r == 0 && context && strcmp(tensor->name, context) == 0 && i < tensor->count; i++)
                (*ret)[i] *= 0.5f;
        return r;
}

static void build(struct rig *rig, enum gpu_dtype precision, const char *halved)
{
        struct weights_source source = {halved_tensor, halved};
        const struct model_info *info = &answer->info;
        uint8_t *picture = malloc(gpu_image_size(info->width, info->height));
        struct parser *parser;
        char why[256] = "";

        answer_picture(info, picture);
        assert_int_equal(parser_build(gpu, info, &source, precision, &parser, why, sizeof why), 0);
        rig_new(rig, parser, info, info->width, info->height, picture);
        free(picture);
}

static void test_self_test(void **state)
{
        char why[256] = "";

        for (enum gpu_dtype precision = GPU_F32; precision <= GPU_F16; precision++)
                if (parser_self_test(gpu, precision, why, sizeof why) < 0)
                        fail_msg("%s", why);
        assert_string_equal(why, "");
}

/* The second run finds what the first one left in the arena. */
static void check_again(void)
{
        size_t count = (size_t)answer->info.classes * answer->info.height * answer->info.width;
        struct rig rig;
        float *first, *second;

        build(&rig, GPU_F32, NULL);
        first = run(&rig);
        second = run(&rig);
        assert_true(worst(first) < 1e-5f);
        assert_memory_equal(first, second, count * sizeof *first);
        free(first);
        free(second);
        rig_free(&rig);
}

static void test_again(void **state)
{
        for (answer = answers; answer < answers + ANSWER_COUNT; answer++)
                check_again();
}

/* How sensitive the self-test is: it allows 1e-3. */
static void test_notices(void **state)
{
        static const struct {
                const struct answer *answer;
                const char *halved;
        } rows[] = {
                {&answers[0], "conv1.bias"},
                {&answers[0], "layer3.1.conv2.weight"},
                {&answers[0], "context.dualgcn.local.0.bias"},
                {&answers[0], "context.dualgcn.gcn_local_attention.node_q.weight"},
                {&answers[0], "context.dualgcn.gamma1"},
                {&answers[0], "context.dualgcn.conv_adj.weight"},
                {&answers[0], "layer6.conv4.bias"},
                {&answers[1], "conv1.bias"},
                {&answers[1], "layer1.0.conv2.weight"},
                {&answers[1], "layer2.1.conv3.bias"},
                {&answers[1], "layer4.1.conv2.bias"},
                {&answers[1], "context.dualgcn.gcn_local_attention.node_v.weight"},
                {&answers[1], "context.dualgcn.conv_adj.bias"},
                {&answers[1], "decoder.levels.0.conv2.weight"},
                {&answers[1], "decoder.levels.1.conv4.bias"},
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct rig rig;
                float *logits;

                answer = rows[i].answer;
                build(&rig, GPU_F32, rows[i].halved);
                logits = run(&rig);
                assert_true(worst(logits) > 2e-3f);
                free(logits);
                rig_free(&rig);
        }
}

static void check_halves(void)
{
        struct rig rig;
        float *logits;

        build(&rig, GPU_F16, NULL);
        logits = run(&rig);
        assert_true(worst(logits) < 4e-3f);
        assert_true(worst(logits) > 1e-5f); /* otherwise they were stored as floats */
        free(logits);
        rig_free(&rig);
}

static void test_halves(void **state)
{
        for (answer = answers; answer < answers + ANSWER_COUNT; answer++)
                check_halves();
}

/* The network of a file, whose labels are mapped to a picture of another shape.  The picture is wide, so nothing
 * above and below it has labels. */
static void test_file(void **state)
{
        struct model_info info = forge_info();
        size_t size;
        json_t *header = forge_header(&info, false, &size);
        float *data = forge_data(false, size);
        uint8_t picture[90 * 30 * 4] = {0};
        const struct parser_figures *figures;
        const uint8_t *labels;
        struct parser *parser;
        struct model *model;
        struct rig rig;
        char why[256] = "";

        /* The last bias makes the last class win everywhere. */
        for (size_t i = 0; i < size / 4; i++)
                data[i] *= 1e-6f;
        data[size / 4 - 1] = 1000;
        forge_model(header, data, size);
        free(data);
        assert_int_equal(model_open(forge_path(), &model, why, sizeof why), 0);
        assert_int_equal(parser_new(gpu, model, model_info(model), GPU_F32, &parser, why, sizeof why), 0);
        model_close(model);

        figures = parser_figures(parser);
        assert_true(figures->weights >= size && figures->arena > 40 * 48 * 4 * 4);
        assert_true(figures->gmac > 0.001 && figures->gmac < 0.1);
        assert_true(figures->operators > 40 && figures->operators < 80);

        rig_new(&rig, parser, &info, 90, 30, picture);
        assert_int_equal(gpu_run(rig.program), 0);
        labels = gpu_buffer_map(rig.readback);
        for (uint32_t i = 0; i < 90 * 30; i++)
                assert_int_equal(labels[i], info.classes - 1);
        rig_free(&rig);
}

/* Where the centre of that pixel lies: 1 inside the region, -1 outside, 0 on its edge. */
static int reaches(const struct gpu_region *region, const struct model_info *info, uint32_t x, uint32_t y)
{
        const float(*row)[4] = region->from_picture, size[2] = {info->width, info->height};
        float inside = 1e9f;

        for (int i = 0; i < 2; i++) {
                float at = row[i][0] * (x + 0.5f) + row[i][1] * (y + 0.5f) + row[i][2];
                inside = fminf(inside, fminf(at, size[i] - at));
        }
        return inside > 0.01f ? 1 : inside < -0.01f ? -1 : 0;
}

/* Two views, one of them rotated, which are read when the program runs: each has labels where it reaches, and no
 * others. */
static void test_views(void **state)
{
        enum { WIDTH = 70, HEIGHT = 50, PIXELS = WIDTH * HEIGHT };
        static const float rows[2][2][3] = {{{0.5f, 0, -4}, {0, 0.4f, 3}}, {{0.4f, -0.2f, 40}, {0.2f, 0.4f, 10}}};
        struct weights_source source = {halved_tensor, NULL};
        uint8_t picture[PIXELS * 4], found[2][PIXELS];
        struct parser *parser;
        struct rig rig;
        char why[256] = "";

        answer = answers;
        for (size_t i = 0; i < sizeof picture; i++)
                picture[i] = i * 2654435761u >> 24;
        assert_int_equal(parser_build(gpu, &answer->info, &source, GPU_F32, &parser, why, sizeof why), 0);
        rig_new(&rig, parser, &answer->info, WIDTH, HEIGHT, picture);
        for (int i = 0; i < 2; i++) {
                unsigned labelled = 0, bare = 0;

                rig_view(&rig)->region = gpu_region_make(rows[i]);
                assert_int_equal(gpu_run(rig.program), 0);
                memcpy(found[i], gpu_buffer_map(rig.readback), PIXELS);
                for (uint32_t n = 0; n < PIXELS; n++)
                        if (reaches(&rig_view(&rig)->region, &answer->info, n % WIDTH, n / WIDTH) < 0) {
                                assert_int_equal(found[i][n], 0);
                                bare++;
                        } else {
                                labelled += found[i][n] != 0;
                        }
                assert_true(labelled > 50 && bare > 50);
        }
        assert_memory_not_equal(found[0], found[1], PIXELS);
        rig_free(&rig);
}

/* Operators that are recorded one by one do what they do together, and their multiplications add up to the
 * network's. */
static void test_operators(void **state)
{
        for (answer = answers; answer < answers + ANSWER_COUNT; answer++) {
                struct gpu_program *all = NULL;
                struct rig rig;
                double mac = 0;
                float *logits;

                build(&rig, GPU_F32, NULL);
                const struct parser_figures *figures = parser_figures(rig.parser);
                assert_int_equal(gpu_program_new(gpu, "operators", &all), 0);
                for (unsigned i = 0; i < figures->operators; i++) {
                        struct parser_operator what;

                        parser_operator(rig.parser, i, &what);
                        mac += what.mac;
                        assert_true(what.bytes > 0);
                        assert_int_equal(what.kernel > 0, what.layer[0] != '\0');
                        assert_int_equal(parser_record_operator(rig.parser, i, all, &rig.image,
                                                                &(struct gpu_block){rig.view}, &rig.answers),
                                         0);
                }
                assert_int_equal(gpu_program_end(all), 0);
                assert_true(fabs(mac / 1e9 - figures->gmac) < 1e-12);
                gpu_program_free(rig.program);
                rig.program = all;
                logits = run(&rig);
                assert_true(worst(logits) < 1e-5f);
                free(logits);
                rig_free(&rig);
        }
}

/* answer.h's weights, except for one tensor. */
static int failing_tensor(const void *context, const struct graph_tensor *tensor, float **ret)
{
        return strcmp(tensor->name, context) == 0 ? -EIO : answer_tensor(&answer->info, tensor, ret);
}

static void test_fails(void **state)
{
        static const char *const last[ANSWER_COUNT] = {"layer6.conv4.bias", "decoder.conv4.bias"};

        for (size_t i = 0; i < ANSWER_COUNT; i++) {
                struct weights_source source = {failing_tensor, last[i]};
                struct parser *parser = NULL;
                char why[256] = "";

                answer = &answers[i];
                assert_int_equal(parser_build(gpu, &answer->info, &source, GPU_F32, &parser, why, sizeof why), -EIO);
                assert_non_null(strstr(why, answer->info.name));
                assert_null(parser);
        }
        parser_free(NULL);
}

/* At 1024 x 1024, the stem's maps with 4096 channels take 16 GB. */
static void test_too_large(void **state)
{
        for (size_t i = 0; i < ANSWER_COUNT; i++) {
                struct model_info info = answers[i].info;
                struct weights_source source = {answer_tensor, &info};
                struct parser *parser = NULL;
                char why[256] = "";
                int r;

                info.height = info.width = 2048;
                info.stem[1] = info.inverted.stem = 4096;
                r = parser_build(gpu, &info, &source, GPU_F32, &parser, why, sizeof why);
                assert_true(r == -E2BIG || r == -ENOMEM);
                assert_non_null(strstr(why, info.name));
                assert_null(parser);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_self_test), cmocka_unit_test(test_again),     cmocka_unit_test(test_notices),
                cmocka_unit_test(test_halves),    cmocka_unit_test(test_file),      cmocka_unit_test(test_views),
                cmocka_unit_test(test_fails),     cmocka_unit_test(test_too_large), cmocka_unit_test(test_operators),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
