#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/models.h"
#include "daemon/common/paths.h"
#include "daemon/common/stats.h"
#include "daemon/pipeline/engine.h"

__attribute__((format(printf, 3, 4))) static void progress(const struct engine_options *options, uint64_t *since,
                                                           const char *format, ...)
{
        uint64_t now = stats_now();
        char text[600];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        if (options->progress)
                options->progress(options->userdata, text, (now - *since) / 1e9);
        *since = now;
}

static enum gpu_dtype dtype_of(enum precision precision)
{
        return precision == PRECISION_FP16 ? GPU_F16 : GPU_F32;
}

static int open_gpu(struct engine *engine, const struct engine_options *options, uint64_t *since, char *why,
                    size_t why_size)
{
        char cache[PATH_MAX];
        struct gpu_options wish = {
                .device = options->gpu,
                .backend = options->backend,
                .cache_dir = paths_cache(cache, sizeof cache),
        };

        int r = gpu_open(&wish, &engine->gpu, why, why_size);
        if (r < 0)
                return r;
        const struct gpu_info *info = gpu_info(engine->gpu);
        progress(options, since, "GPU: %s (%s), %s, \"%s\" back-end", info->name, gpu_kind_name(info->kind),
                 info->driver, gpu_backend_name(gpu_backend(engine->gpu)));
        return 0;
}

static int test_gpu(struct engine *engine, const struct engine_options *options, uint64_t *since, char *why,
                    size_t why_size)
{
        int r = parser_self_test(engine->gpu, dtype_of(options->precision), why, why_size);

        if (r == 0)
                progress(options, since, "self-test: the GPU computes correctly");
        return r;
}

/* Adds the available models to the error about a missing file. */
static void tell_models(char *why, size_t why_size)
{
        struct model_entry *list = NULL;
        size_t n = strlen(why);
        char there[400];

        int count = models_list("", &list);
        models_names(list, count, true, there, sizeof there);
        free(list);
        snprintf(why + n, why_size - n, "; installed models: %s", there);
}

static int open_model(struct engine *engine, const struct engine_options *options, char *why, size_t why_size)
{
        int r = paths_model(options->model, engine->model_path, sizeof engine->model_path);
        if (r < 0) {
                snprintf(why, why_size, "the model's path is too long");
                return r;
        }
        r = model_open(engine->model_path, &engine->weights, why, why_size);
        if (r == -ENOENT)
                tell_models(why, why_size);
        if (r < 0)
                return r;
        engine->model = *model_info(engine->weights);
        if (options->width && options->height)
                model_fit(&engine->model, options->width, options->height);
        return 0;
}

static int make_parser(struct engine *engine, char *why, size_t why_size)
{
        return parser_new(engine->gpu, engine->weights, &engine->model, dtype_of(engine->precision), &engine->parser,
                          why, why_size);
}

static int open_parser(struct engine *engine, const struct engine_options *options, uint64_t *since, char *why,
                       size_t why_size)
{
        int r = make_parser(engine, why, why_size);
        if (r < 0)
                return r;
        const struct parser_figures *figures = parser_figures(engine->parser);
        progress(options, since, "network: %u operators, %.1f GMAC, %.1f MB of weights, %.1f MB of feature maps, %s",
                 figures->operators, figures->gmac, figures->weights / 1e6, figures->arena / 1e6,
                 precision_names[options->precision]);
        return 0;
}

int engine_open(struct engine *engine, const struct engine_options *options, char *why, size_t why_size)
{
        uint64_t since = stats_now();

        *engine = (struct engine){.precision = options->precision};
        /* The model comes first, because its errors are found quickly. */
        int r = open_model(engine, options, why, why_size);
        if (r < 0)
                return r;
        progress(options, &since, "model: %s, %u classes, %ux%u", engine->model.name, engine->model.classes,
                 engine->model.width, engine->model.height);
        if (options->accept)
                r = options->accept(options->userdata, &engine->model, why, why_size);
        if (r == 0)
                r = open_gpu(engine, options, &since, why, why_size);
        if (r == 0)
                r = test_gpu(engine, options, &since, why, why_size);
        if (r == 0)
                r = open_parser(engine, options, &since, why, why_size);
        if (r < 0)
                engine_close(engine);
        return r;
}

bool engine_is_tuned(const struct engine *engine)
{
        return parser_figures(engine->parser)->guesses == 0;
}

/* First checks that the result can be saved.  Also saves what was measured before it was stopped. */
static int tune(struct engine *engine, const struct gpu_tuning *tuning, char *why, size_t why_size)
{
        int saved = gpu_tuning_save(engine->gpu);
        int r = 0;

        if (saved == 0) {
                r = parser_tune(engine->gpu, &engine->model, dtype_of(engine->precision), tuning, why, why_size);
                saved = gpu_tuning_save(engine->gpu);
        }
        if (r < 0 || saved == 0)
                return r;
        snprintf(why, why_size, "the measurements cannot be saved: %s", strerror(-saved));
        return saved;
}

int engine_tune(const struct engine_options *options, const struct gpu_tuning *tuning, char *why, size_t why_size)
{
        struct engine engine = {.precision = options->precision};
        uint64_t since = stats_now();

        int r = open_model(&engine, options, why, why_size);
        if (r == 0)
                r = open_gpu(&engine, options, &since, why, why_size);
        if (r == 0)
                r = tune(&engine, tuning, why, why_size);
        engine_close(&engine);
        return r;
}

int engine_fit(struct engine *engine, uint32_t width, uint32_t height, char *why, size_t why_size)
{
        struct model_info fitted = *model_info(engine->weights);

        model_fit(&fitted, width, height);
        if (engine->parser && fitted.width == engine->model.width && fitted.height == engine->model.height)
                return 0;
        parser_free(engine->parser);
        engine->parser = NULL;
        engine->model = fitted;
        return make_parser(engine, why, why_size);
}

void engine_close(struct engine *engine)
{
        parser_free(engine->parser);
        model_close(engine->weights);
        gpu_close(engine->gpu);
        *engine = (struct engine){0};
}
