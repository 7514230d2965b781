#include <math.h>

#include "shaders/ceiling.h"
#include "shaders/glsl/measure-params.h"
#include "shaders/glsl/multiply.kernel.h"
#include "shaders/glsl/stream.kernel.h"
#include "shaders/ops/operand.h"
#include "shaders/ops/stopwatch.h"

enum { RUNS = 5, ROUND = CHAINS * 4 * UNROLLED };   /* multiply-adds of a round */
#define INVOCATIONS (UINT64_C(64) * 64 * WORKGROUP) /* a multiple of a workgroup's */
#define STREAM_MOST (UINT64_C(64) << 20)            /* bytes */
#define LONG_ENOUGH 10e-3                           /* seconds: far longer than a submission takes */
enum { ROUNDS_LEAST = 64, ROUNDS_MOST = 1 << 16 };  /* enough that starting an invocation costs little in comparison */

static int time_dispatch(struct gpu *gpu, const struct dispatch *dispatch, double *ret)
{
        struct gpu_program *program;
        int r = gpu_program_new(gpu, "ceiling", &program);

        if (r < 0)
                return r;
        program_dispatch(program, dispatch);
        r = gpu_program_end(program);
        if (r == 0)
                r = shortest_run(program, RUNS, INFINITY, ret);
        gpu_program_free(program);
        return r;
}

static int time_rounds(struct gpu *gpu, struct gpu_buffer *buffer, int rounds, double *ret)
{
        struct multiply_params params = {.rounds = rounds, .factor = 0.5f, .addend = 0.25f};

        return time_dispatch(gpu,
                             &(struct dispatch){
                                     .kernel = &kernel_multiply,
                                     .operands = {[RESULT] = {buffer, 0, INVOCATIONS * 16, FORMAT_F32}},
                                     .push = &params,
                                     .push_size = sizeof params,
                                     .groups = {LINEAR_GROUPS(INVOCATIONS)},
                                     .cost = (double)INVOCATIONS * ROUND * rounds,
                                     .whole = true,
                             },
                             ret);
}

static int measure_multiply_adds(struct gpu *gpu, struct gpu_buffer *buffer, double *ret)
{
        double seconds = 0;
        int rounds = ROUNDS_LEAST, r = time_rounds(gpu, buffer, rounds, &seconds);

        while (r == 0 && seconds < LONG_ENOUGH && rounds < ROUNDS_MOST)
                r = time_rounds(gpu, buffer, rounds *= 4, &seconds);
        if (r == 0)
                *ret = (double)INVOCATIONS * ROUND * rounds / seconds;
        return r;
}

static int measure_bytes(struct gpu *gpu, struct gpu_buffer *from, struct gpu_buffer *to, double *ret)
{
        const uint64_t size = gpu_buffer_size(from);
        struct stream_params params = {.count = size / 16};
        double seconds = 0;
        int r = time_dispatch(gpu,
                              &(struct dispatch){
                                      .kernel = &kernel_stream,
                                      .operands = {{from, 0, size, FORMAT_F32}, [RESULT] = {to, 0, size, FORMAT_F32}},
                                      .push = &params,
                                      .push_size = sizeof params,
                                      .groups = {LINEAR_GROUPS(size / 16)},
                                      .cost = size,
                                      .whole = true,
                              },
                              &seconds);

        if (r == 0)
                *ret = 2 * size / seconds;
        return r;
}

/* STREAM_MOST, or as much as one kernel can reach on this device. */
static uint64_t stream_size(const struct gpu *gpu)
{
        uint64_t size = STREAM_MOST;

        if (size > gpu->caps.storage_range)
                size = gpu->caps.storage_range;
        if (gpu->reading == READ_TEXELS && size > 16 * gpu->caps.texel_elements)
                size = 16 * gpu->caps.texel_elements;
        return size / INVOCATIONS * INVOCATIONS;
}

int gpu_measure_ceiling(struct gpu *gpu, struct gpu_ceiling *ret)
{
        const uint64_t size = stream_size(gpu);
        struct gpu_buffer *from = NULL, *to = NULL;
        int r = gpu_buffer_new(gpu, size, GPU_MEMORY_DEVICE, "ceiling's source", &from);

        if (r == 0)
                r = gpu_buffer_new(gpu, size, GPU_MEMORY_DEVICE, "ceiling's result", &to);
        if (r == 0)
                r = measure_multiply_adds(gpu, to, &ret->multiply_adds);
        if (r == 0)
                r = measure_bytes(gpu, from, to, &ret->bytes);
        gpu_buffer_free(from);
        gpu_buffer_free(to);
        return r;
}
