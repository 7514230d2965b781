#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/bench/network.h"
#include "daemon/common/cleanup.h"
#include "daemon/common/stats.h"

struct rig {
        struct engine *engine;
        struct bench_network *network;
        unsigned iterations;
        struct gpu_image image;
        struct gpu_answers answers;
        struct gpu_buffer *region;
        struct gpu_program *whole;
        struct gpu_program **parts; /* with a clock one of all operators, else one for each */
        unsigned part_count;
        double *whole_times, *cpu_times, *times; /* [iteration] twice, [operator][iteration] */
};

/* ---- what is run ---- */

static int allocate(struct rig *rig)
{
        const struct model_info *model = &rig->engine->model;
        struct gpu *gpu = rig->engine->gpu;
        const uint32_t width = rig->image.width, height = rig->image.height, count = rig->network->count;
        int r;

        rig->network->operators = calloc(count, sizeof *rig->network->operators);
        rig->parts = calloc(count, sizeof *rig->parts);
        rig->whole_times = calloc(rig->iterations, sizeof *rig->whole_times);
        rig->cpu_times = calloc(rig->iterations, sizeof *rig->cpu_times);
        rig->times = calloc((size_t)count * rig->iterations, sizeof *rig->times);
        if (!rig->network->operators || !rig->parts || !rig->whole_times || !rig->cpu_times || !rig->times)
                return -ENOMEM;
        if ((r = gpu_buffer_new(gpu, gpu_image_size(width, height), GPU_MEMORY_UPLOAD, "bench image",
                                &rig->image.buffer)) < 0 ||
            (r = gpu_buffer_new(gpu, gpu_image_size(model->width, model->height), GPU_MEMORY_DEVICE, "bench answers",
                                &rig->answers.buffer)) < 0 ||
            (r = gpu_buffer_new(gpu, GPU_BLOCK_ALIGN, GPU_MEMORY_UPLOAD, "bench region", &rig->region)) < 0)
                return r;
        memset(gpu_buffer_map(rig->image.buffer), 128, gpu_buffer_size(rig->image.buffer));
        *(struct gpu_region *)gpu_buffer_map(rig->region) =
                gpu_region_whole(width, height, model->width, model->height);
        return 0;
}

static int record_whole(struct rig *rig)
{
        int r = gpu_program_new(rig->engine->gpu, "network", &rig->whole);

        if (r < 0)
                return r;
        parser_record(rig->engine->parser, rig->whole, &rig->image, &(struct gpu_block){rig->region}, &rig->answers);
        return gpu_program_end(rig->whole);
}

static int record_operator(struct rig *rig, struct gpu_program *program, unsigned i)
{
        return parser_record_operator(rig->engine->parser, i, program, &rig->image, &(struct gpu_block){rig->region},
                                      &rig->answers);
}

/* One program, which the device measures operator by operator. */
static int record_measured(struct rig *rig)
{
        int r = gpu_program_new(rig->engine->gpu, "operators", &rig->parts[0]);

        if (r < 0)
                return r;
        rig->part_count = 1;
        r = gpu_program_measure(rig->parts[0], rig->network->count);
        for (unsigned i = 0; i < rig->network->count && r == 0; i++) {
                gpu_program_part(rig->parts[0]);
                r = record_operator(rig, rig->parts[0], i);
        }
        return r < 0 ? r : gpu_program_end(rig->parts[0]);
}

/* A program for each operator. */
static int record_single(struct rig *rig)
{
        int r = 0;

        for (unsigned i = 0; i < rig->network->count && r == 0; i++) {
                r = gpu_program_new(rig->engine->gpu, "operator", &rig->parts[i]);
                if (r < 0)
                        return r;
                rig->part_count++;
                record_operator(rig, rig->parts[i], i);
                r = gpu_program_end(rig->parts[i]);
        }
        return r;
}

/* ---- measuring ---- */

static int run(struct gpu_program *program, double *ret)
{
        const uint64_t since = stats_now();
        int r = gpu_run(program);

        *ret = 1e-9 * (stats_now() - since);
        return r;
}

/* Runs all operators once; `ret` has a place for the time of each. */
static int run_operators(struct rig *rig, double *ret)
{
        int r = 0;

        if (rig->network->clock) {
                r = gpu_run(rig->parts[0]);
                return r < 0 ? r : gpu_program_times(rig->parts[0], ret);
        }
        for (unsigned i = 0; i < rig->part_count && r == 0; i++)
                r = run(rig->parts[i], &ret[i]);
        return r;
}

/* CPU time of all threads of this process.  On a software GPU they do the work, and other load on the machine affects
 * this less than the elapsed time. */
static double cpu_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return now.tv_sec + 1e-9 * now.tv_nsec;
}

static int run_whole(struct rig *rig, double *ret, double *ret_cpu)
{
        const double since = cpu_now();
        int r = run(rig->whole, ret);

        *ret_cpu = cpu_now() - since;
        return r;
}

/* Alternates between the whole network and its operators, so that other load on the machine affects both. */
static int iterate(struct rig *rig, const struct bench_progress *progress, double *scratch)
{
        double whole = 0, cpu = 0;
        int r = 0;

        for (unsigned i = 0; i < BENCH_WARM_UP + rig->iterations && r == 0; i++) {
                progress->show(progress->userdata, "network", i, BENCH_WARM_UP + rig->iterations);
                if ((r = run_whole(rig, &whole, &cpu)) < 0 || (r = run_operators(rig, scratch)) < 0 ||
                    i < BENCH_WARM_UP)
                        continue;
                const unsigned n = i - BENCH_WARM_UP;
                rig->whole_times[n] = whole;
                rig->cpu_times[n] = cpu;
                for (unsigned o = 0; o < rig->network->count; o++)
                        rig->times[(size_t)o * rig->iterations + n] = scratch[o];
        }
        return r;
}

static void conclude(struct rig *rig)
{
        struct bench_network *network = rig->network;

        network->time = spread_of(rig->whole_times, rig->iterations);
        network->cpu = spread_of(rig->cpu_times, rig->iterations).median;
        for (unsigned i = 0; i < network->count; i++) {
                parser_operator(rig->engine->parser, i, &network->operators[i].what);
                network->operators[i].time = spread_of(rig->times + (size_t)i * rig->iterations, rig->iterations);
        }
}

static int measure(struct rig *rig, const struct bench_progress *progress)
{
        _cleanup_(freep) double *scratch = calloc(rig->network->count, sizeof *scratch);
        int r = scratch ? allocate(rig) : -ENOMEM;

        if (r < 0 || (r = record_whole(rig)) < 0 ||
            (r = rig->network->clock ? record_measured(rig) : record_single(rig)) < 0 ||
            (r = iterate(rig, progress, scratch)) < 0)
                return r;
        conclude(rig);
        return 0;
}

static void finish(struct rig *rig)
{
        for (unsigned i = 0; i < rig->part_count; i++)
                gpu_program_free(rig->parts[i]);
        gpu_program_free(rig->whole);
        gpu_buffer_free(rig->image.buffer);
        gpu_buffer_free(rig->answers.buffer);
        gpu_buffer_free(rig->region);
        free(rig->parts);
        free(rig->whole_times);
        free(rig->cpu_times);
        free(rig->times);
}

int bench_network(struct engine *engine, uint32_t width, uint32_t height, unsigned iterations,
                  const struct bench_progress *progress, struct bench_network *ret)
{
        struct rig rig = {
                .engine = engine,
                .network = ret,
                .iterations = iterations,
                .image = {NULL, width, height},
                .answers = {NULL, engine->model.width, engine->model.height},
        };

        *ret = (struct bench_network){.clock = gpu_has_clock(engine->gpu),
                                      .count = parser_figures(engine->parser)->operators};
        int r = measure(&rig, progress);
        finish(&rig);
        if (r < 0)
                bench_network_free(ret);
        return r;
}

void bench_network_free(struct bench_network *network)
{
        free(network->operators);
        *network = (struct bench_network){0};
}
