/* How a device is opened: which back-end suits it is found out by running an operator with both. */
#include <stdlib.h>
#include <time.h>

#include "shaders/ops.h"
#include "shaders/vk/vk.h"

/* The shape that is timed: a 1x1 convolution of a middle layer: long enough to stand out from the cost of submitting,
 * short enough for the slowest driver. */
static const struct gpu_conv shape = {
        .in = 256, .out = 256, .kernel = 1, .stride = 1, .dilation = 1, .height = 16, .width = 64, .dtype = GPU_F32};
static const double multiply_adds = 256.0 * 256 * 16 * 64;

struct bench {
        struct gpu_buffer *memory;
        struct gpu_program *program;
};

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec + 1e-9 * t.tv_nsec;
}

static int prepare(struct gpu *gpu, struct bench *bench)
{
        const uint64_t map = gpu_map_size(GPU_F32, shape.in, shape.height, shape.width);
        const uint64_t weights = (gpu_conv_weights_size(gpu, &shape) + 255) & ~UINT64_C(255);

        int r = gpu_buffer_new(gpu, 2 * map + weights, GPU_MEMORY_DEVICE, "timing", &bench->memory);
        if (r < 0 || (r = gpu_program_new(gpu, "timing", &bench->program)) < 0)
                return r;
        struct gpu_map in = {bench->memory, weights, GPU_F32, shape.in, shape.height, shape.width, shape.in, 0};
        struct gpu_map out = {bench->memory, weights + map, GPU_F32,   shape.out,
                              shape.height,  shape.width,   shape.out, 0};
        op_conv(bench->program,
                &(struct op_conv){.conv = shape, .in = in, .out = out, .weights = bench->memory, .scale = 1});
        return gpu_program_end(bench->program);
}

/* Multiply-adds a second with the current back-end; the first run, in which drivers compile, does not count. */
static int measure(struct gpu *gpu, double *ret)
{
        struct bench bench = {0};
        double best = 1e9;

        int r = prepare(gpu, &bench);
        for (int i = 0; i < 4 && r == 0; i++) {
                double start = now();
                r = gpu_run(bench.program);
                double took = now() - start;
                if (i && took < best)
                        best = took;
        }
        gpu_program_free(bench.program);
        gpu_buffer_free(bench.memory);
        if (r == 0)
                *ret = multiply_adds / best;
        return r;
}

static int try(struct gpu *gpu, enum gpu_backend backend, double *ret)
{
        gpu->backend = backend;
        gpu->rate = 1e12; /* for now: what is timed is not cut */
        int r = kernels_init(gpu);
        if (r == 0)
                r = measure(gpu, ret);
        if (r < 0)
                kernels_finish(gpu);
        return r;
}

/* Measures gpu->rate, and with GPU_BACKEND_AUTO settles gpu->backend. */
static int settle(struct gpu *gpu, enum gpu_backend wanted)
{
        double lane = 0, tile = 0;
        int r;

        if (wanted == GPU_BACKEND_AUTO && !device_can_lane(gpu))
                wanted = GPU_BACKEND_TILE;
        if (wanted != GPU_BACKEND_LANE) {
                if ((r = try(gpu, GPU_BACKEND_TILE, &tile)) < 0)
                        return r;
                gpu->rate = tile;
                if (wanted == GPU_BACKEND_TILE)
                        return 0;
                kernels_finish(gpu);
        }
        if ((r = try(gpu, GPU_BACKEND_LANE, &lane)) < 0)
                return r;
        gpu->rate = lane;
        if (lane >= tile)
                return 0;
        kernels_finish(gpu);
        gpu->backend = GPU_BACKEND_TILE;
        gpu->rate = tile;
        return kernels_init(gpu);
}

int gpu_open(const struct gpu_options *options, struct gpu **ret, char *why, size_t why_size)
{
        return vk_open(options, settle, ret, why, why_size);
}
