/* Detects drivers that silently compute wrong results: runs small networks and compares them with stored
 * answers. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/answer.h"
#include "model/build.h"
#include "model/why.h"

/* Relative to the largest logit.  If any tensor is off by half, some logit changes by 4.5e-3 of it with bottlenecks and
 * by 11e-3 with inverted residuals; 16-bit storage alone changes one by 0.7e-3 and 2.2e-3. */
static const float tolerances[] = {[GPU_F32] = 1e-3f, [GPU_F16] = 4e-3f};
static const char *const names[] = {[GPU_F32] = "32", [GPU_F16] = "16"};

struct test {
        struct gpu *gpu;
        const struct answer *answer;
        enum gpu_dtype precision;
        struct parser *parser;
        struct gpu_image image;
        struct gpu_answers answers;
        struct gpu_buffer *region, *readback; /* the whole picture; the answers */
        struct gpu_program *program;
};

static int prepare(struct test *test)
{
        const struct model_info *info = &test->answer->info;
        uint32_t width = info->width, height = info->height;
        uint8_t *picture = malloc(gpu_image_size(width, height));
        int r = picture ? 0 : -ENOMEM;

        test->image.width = test->answers.width = width;
        test->image.height = test->answers.height = height;
        if (r == 0)
                r = gpu_buffer_new(test->gpu, gpu_image_size(width, height), GPU_MEMORY_DEVICE, "test picture",
                                   &test->image.buffer);
        if (r == 0) {
                answer_picture(info, picture);
                r = gpu_buffer_write(test->image.buffer, 0, picture, gpu_image_size(width, height));
        }
        if (r == 0)
                r = gpu_buffer_new(test->gpu, gpu_image_size(width, height), GPU_MEMORY_DEVICE, "test answers",
                                   &test->answers.buffer);
        if (r == 0)
                r = gpu_buffer_new(test->gpu, gpu_image_size(width, height), GPU_MEMORY_READBACK, "test readback",
                                   &test->readback);
        if (r == 0)
                r = gpu_buffer_new(test->gpu, sizeof(struct gpu_region), GPU_MEMORY_UPLOAD, "test region",
                                   &test->region);
        if (r == 0)
                *(struct gpu_region *)gpu_buffer_map(test->region) = gpu_region_whole(width, height, width, height);
        free(picture);
        return r;
}

static int run(struct test *test)
{
        int r = gpu_program_new(test->gpu, "self-test", &test->program);

        if (r < 0)
                return r;
        parser_record(test->parser, test->program, &test->image, &(struct gpu_block){test->region}, &test->answers);
        op_copy(test->program, test->answers.buffer, test->readback, gpu_buffer_size(test->readback));
        r = gpu_program_end(test->program);
        return r < 0 ? r : gpu_run(test->program);
}

static int check_logits(const struct test *test, const float *logits, char *why, size_t why_size)
{
        const struct answer *answer = test->answer;

        for (unsigned n = 0; n < ANSWER_POINTS; n++) {
                float value = logits[answer_index(&answer->info, n)], expected = answer->points[n];

                /* Written so that NaN fails. */
                if (!(fabsf(value - expected) <= tolerances[test->precision] * answer->peak))
                        return why_set(
                                why, why_size, -EIO,
                                "this device or its driver computes wrong results: in %s bits, output %u of the %s is "
                                "%g and must be %g",
                                names[test->precision], n, answer->info.name, (double)value, (double)expected);
        }
        return 0;
}

/* The label must be a class whose logit is the largest, apart from rounding. */
static int check_labels(const struct test *test, const float *logits, char *why, size_t why_size)
{
        const struct model_info *info = &test->answer->info;
        const uint32_t *found = gpu_buffer_map(test->readback);
        size_t pixels = (size_t)info->width * info->height;

        for (size_t n = 0; n < pixels; n++) {
                const uint32_t label = found[n] & 255;
                float most = -INFINITY;

                for (uint32_t c = 0; c < info->classes; c++)
                        most = fmaxf(most, logits[c * pixels + n]);
                if (label >= info->classes ||
                    !(logits[label * pixels + n] >= most - tolerances[test->precision] * test->answer->peak))
                        return why_set(
                                why, why_size, -EIO,
                                "this device or its driver computes wrong results: in %s bits, label %zu of the %s "
                                "is %u",
                                names[test->precision], n, info->name, label);
        }
        return 0;
}

static int self_test(struct gpu *gpu, const struct answer *answer, enum gpu_dtype precision, char *why, size_t why_size)
{
        struct weights_source source = {answer_tensor, &answer->info};
        struct test test = {.gpu = gpu, .answer = answer, .precision = precision};
        uint32_t classes, height, width;
        float *logits = NULL;
        int r, checked = 0;

        r = parser_build(gpu, &answer->info, &source, precision, &test.parser, why, why_size);
        if (r < 0)
                return r;
        r = prepare(&test);
        if (r == 0)
                r = run(&test);
        if (r == 0)
                r = parser_logits(test.parser, &logits, &classes, &height, &width);
        if (r < 0)
                why_set(why, why_size, r, "the %s cannot run on this device: %s", answer->info.name, strerror(-r));
        if (r == 0)
                checked = check_logits(&test, logits, why, why_size);
        if (r == 0 && checked == 0)
                checked = check_labels(&test, logits, why, why_size);

        gpu_program_free(test.program);
        gpu_buffer_free(test.readback);
        gpu_buffer_free(test.region);
        gpu_buffer_free(test.answers.buffer);
        gpu_buffer_free(test.image.buffer);
        parser_free(test.parser);
        free(logits);
        return r < 0 ? r : checked;
}

int parser_self_test(struct gpu *gpu, enum gpu_dtype precision, char *why, size_t why_size)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ANSWER_COUNT; i++)
                r = self_test(gpu, &answers[i], precision, why, why_size);
        return r;
}
