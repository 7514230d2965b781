/* Opens a device, and finds the faster back-end by running an operator with both. */
#include <stdio.h>
#include <string.h>

#include "shaders/ops/conv.h"
#include "shaders/ops/stopwatch.h"

/* The shape that is timed, a 1x1 convolution of a middle layer: long enough compared with the cost of submitting it,
 * short enough for the slowest driver. */
static const struct gpu_conv shape = {
        .in = 256, .out = 256, .kernel = 1, .stride = 1, .dilation = 1, .height = 16, .width = 64, .dtype = GPU_F32};
static const double multiply_adds = 256.0 * 256 * 16 * 64;

enum { RUNS = 3 };

/* Multiply-adds per second with the current back-end.  Nothing is gained by measuring one well that is ten times slower
 * than `best_rate`: the back-end for GPUs takes a sixth of a second a run on software drivers. */
static int measure(struct gpu *gpu, double best_rate, double *ret)
{
        struct gpu_conv conv = shape;
        struct conv_trial trial;
        double best;

        conv.algorithm = conv_guess(&gpu->caps, gpu->backend, &conv);
        int r = conv_trial_new(gpu, &conv, &trial);
        if (r < 0)
                return r;
        r = shortest_run(trial.program, RUNS, 10 * multiply_adds / best_rate, &best);
        conv_trial_free(&trial);
        if (r == 0)
                *ret = multiply_adds / best;
        return r;
}

static void use(struct gpu *gpu, enum gpu_backend backend, double rate)
{
        gpu->backend = backend;
        gpu->reading = backend == GPU_BACKEND_SUBGROUP ? READ_TEXELS : READ_BUFFERS;
        gpu->rate = rate;
}

/* Whether the back-end can run here at all: whether it has an algorithm for what is timed. */
static bool fits(const struct gpu *gpu, enum gpu_backend backend)
{
        return conv_guess(&gpu->caps, backend, &shape)->backend == backend;
}

/* Measures the rate of the back-end that is wanted, or of both, and keeps the faster one. */
static int settle(struct gpu *gpu, enum gpu_backend wanted)
{
        static const enum gpu_backend backends[] = {GPU_BACKEND_SUBGROUP, GPU_BACKEND_TILED};
        enum gpu_backend best = GPU_BACKEND_AUTO;
        double best_rate = 0;

        for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
                double rate = 0;
                if ((wanted != GPU_BACKEND_AUTO && wanted != backends[i]) || !fits(gpu, backends[i]))
                        continue;
                use(gpu, backends[i], 1e12); /* for now, so that the timed operator is not cut */
                int r = measure(gpu, best_rate, &rate);
                if (r < 0)
                        return r;
                if (rate > best_rate) {
                        best = backends[i];
                        best_rate = rate;
                }
        }
        if (best == GPU_BACKEND_AUTO)
                return -ENOTSUP;
        use(gpu, best, best_rate);
        return 0;
}

int gpu_open(const struct gpu_options *options, struct gpu **ret, char *why, size_t why_size)
{
        struct gpu *gpu;

        int r = vk_open(options, &gpu, why, why_size);
        if (r < 0)
                return r;
        r = settle(gpu, options->backend);
        if (r < 0) {
                snprintf(why, why_size, "%s cannot be opened: %s%s", gpu->info.name, strerror(-r),
                         r == -ENOTSUP ? " (the subgroup back-end needs subgroups of 8, 64-bit integers and large "
                                         "texel buffers)"
                                       : "");
                gpu_close(gpu);
                return r;
        }
        *ret = gpu;
        return 0;
}
