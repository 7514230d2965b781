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

struct bench {
        struct gpu_buffer *memory;
        struct gpu_program *program;
};

static int prepare(struct gpu *gpu, struct bench *bench)
{
        const uint64_t map = gpu_map_size(GPU_F32, shape.in, shape.height, shape.width);
        struct gpu_conv conv = shape;

        int r = gpu_conv_choose(gpu, &conv);
        if (r < 0)
                return r;
        const uint64_t weights = align_up(gpu_conv_weights_size(&conv), 256);
        r = gpu_buffer_new(gpu, 2 * map + weights, GPU_MEMORY_DEVICE, "timing", &bench->memory);
        if (r < 0 || (r = gpu_program_new(gpu, "timing", &bench->program)) < 0)
                return r;
        struct gpu_map in = {bench->memory, weights, GPU_F32, shape.in, shape.height, shape.width, shape.in, 0};
        struct gpu_map out = {bench->memory, weights + map, GPU_F32,   shape.out,
                              shape.height,  shape.width,   shape.out, 0};
        op_conv(bench->program,
                &(struct op_conv){.conv = conv, .in = in, .out = out, .weights = bench->memory, .scale = 1});
        return gpu_program_end(bench->program);
}

enum { RUNS = 3 };

/* Multiply-adds per second with the current back-end. */
static int measure(struct gpu *gpu, double *ret)
{
        struct bench bench = {0};
        double best;

        int r = prepare(gpu, &bench);
        if (r == 0)
                r = shortest_run(bench.program, RUNS, &best);
        gpu_program_free(bench.program);
        gpu_buffer_free(bench.memory);
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
        return conv_choose(&gpu->caps, backend, &shape)->backend == backend;
}

/* Measures the rate of the back-end that is wanted, or of both, and keeps the faster one. */
static int settle(struct gpu *gpu, enum gpu_backend wanted)
{
        static const enum gpu_backend backends[] = {GPU_BACKEND_TILED, GPU_BACKEND_SUBGROUP};
        enum gpu_backend best = GPU_BACKEND_AUTO;
        double best_rate = 0;

        for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
                double rate = 0;
                if ((wanted != GPU_BACKEND_AUTO && wanted != backends[i]) || !fits(gpu, backends[i]))
                        continue;
                use(gpu, backends[i], 1e12); /* for now, so that the timed operator is not cut */
                int r = measure(gpu, &rate);
                if (r < 0)
                        return r;
                if (rate >= best_rate) {
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
