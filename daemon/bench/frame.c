#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bench/frame.h"
#include "daemon/common/cleanup.h"
#include "daemon/common/stats.h"
#include "daemon/pipeline/palette.h"
#include "daemon/pipeline/pixels.h"
#include "daemon/pipeline/slot.h"

const char *const bench_step_names[BENCH_STEPS] = {
        [BENCH_UPLOAD] = "upload",   [BENCH_UNPACK] = "unpack", [BENCH_PARSE] = "parse",
        [BENCH_COMPOSE] = "compose", [BENCH_PLAIN] = "plain",
};

struct rig {
        struct gpu *gpu;
        const struct effect_settings *effect;
        uint32_t plain; /* the chain that changes nothing */
        uint8_t colors[GPU_PALETTE_SIZE];
        struct gpu_pixels in, out;
        uint8_t *bytes; /* of the camera */
        struct parse parse;
        struct slot_tools tools;
        struct slot slot;
};

/* ---- the steps ---- */

static int upload(struct rig *rig)
{
        memcpy(gpu_buffer_map(rig->slot.upload), rig->bytes, rig->in.size);
        return 0;
}

static int unpack(struct rig *rig)
{
        return gpu_run(rig->slot.in);
}

static int parse(struct rig *rig)
{
        int r = gpu_run(rig->slot.take);

        return r < 0 ? r : gpu_run(rig->parse.program);
}

static int compose(struct rig *rig)
{
        const struct effect_context context = {rig->out.width, rig->out.height, rig->colors, false};

        rig->slot.effect = *rig->effect;
        slot_fill(&rig->slot, &context);
        return gpu_run(slot_out(&rig->slot, rig->effect->chain));
}

static int plain(struct rig *rig)
{
        return gpu_run(slot_out(&rig->slot, rig->plain));
}

static int (*const steps[BENCH_STEPS])(struct rig *rig) = {
        [BENCH_UPLOAD] = upload,   [BENCH_UNPACK] = unpack, [BENCH_PARSE] = parse,
        [BENCH_COMPOSE] = compose, [BENCH_PLAIN] = plain,
};

/* ---- what they work on ---- */

int bench_formats(const struct config *config, struct frame_format *ret_camera, struct frame_format *ret_output)
{
        int r;

        *ret_camera =
                (struct frame_format){.fourcc = V4L2_PIX_FMT_YUYV, .width = config->width, .height = config->height};
        *ret_output =
                (struct frame_format){.fourcc = V4L2_PIX_FMT_YUV420, .width = config->width, .height = config->height};
        r = frame_format_pack(ret_camera);
        return r < 0 ? r : frame_format_pack(ret_output);
}

static int prepare(struct rig *rig, struct engine *engine, const struct config *config)
{
        const struct model_info *model = &engine->model;
        const struct gpu_view whole = gpu_view_whole(config->width, config->height, model->width, model->height);
        struct frame_format camera, output;
        int r;

        if ((r = effect_chain_parse("none", &rig->plain)) < 0 || (r = bench_formats(config, &camera, &output)) < 0 ||
            (r = pixels_layout(&camera, &rig->in)) < 0 || (r = pixels_layout(&output, &rig->out)) < 0)
                return r;
        rig->bytes = malloc(camera.size);
        if (!rig->bytes)
                return -ENOMEM;
        memset(rig->bytes, 128, camera.size);
        palette_fill(model, rig->colors);
        if ((r = slot_tools_init(&rig->tools, rig->gpu, &rig->out, &rig->parse)) < 0 ||
            (r = parse_init(&rig->parse, engine, config->width, config->height)) < 0 ||
            (r = slot_init(&rig->slot, &rig->tools)) < 0 ||
            (r = slot_set_source(&rig->slot, &rig->tools, &rig->in, &(struct import){0})) < 0 ||
            (r = slot_add_chain(&rig->slot, &rig->tools, rig->plain)) < 0)
                return r;
        slot_set_view(&rig->slot, &whole);
        return slot_add_chain(&rig->slot, &rig->tools, rig->effect->chain);
}

static void finish(struct rig *rig)
{
        slot_finish(&rig->slot);
        parse_finish(&rig->parse);
        slot_tools_finish(&rig->tools);
        free(rig->bytes);
}

/* ---- measuring ---- */

static int walk(struct rig *rig, double ret[BENCH_STEPS])
{
        int r = 0;

        for (int s = 0; s < BENCH_STEPS && r == 0; s++) {
                const uint64_t since = stats_now();
                r = steps[s](rig);
                ret[s] = 1e-9 * (stats_now() - since);
        }
        return r;
}

static int iterate(struct rig *rig, unsigned iterations, const struct bench_progress *progress, double *times,
                   struct bench_frame *ret)
{
        double *total = times + (size_t)BENCH_STEPS * iterations, step[BENCH_STEPS];
        int r = 0;

        for (unsigned i = 0; i < BENCH_WARM_UP + iterations && r == 0; i++) {
                progress->show(progress->userdata, "frame", i, BENCH_WARM_UP + iterations);
                if ((r = walk(rig, step)) < 0 || i < BENCH_WARM_UP)
                        continue;
                const unsigned n = i - BENCH_WARM_UP;
                for (int s = 0; s < BENCH_STEPS; s++)
                        times[(size_t)s * iterations + n] = step[s];
                total[n] = step[BENCH_UPLOAD] + step[BENCH_UNPACK] + step[BENCH_PARSE] + step[BENCH_COMPOSE];
        }
        if (r < 0)
                return r;
        for (int s = 0; s < BENCH_STEPS; s++)
                ret->steps[s] = spread_of(times + (size_t)s * iterations, iterations);
        ret->total = spread_of(total, iterations);
        return 0;
}

int bench_frame(struct engine *engine, const struct config *config, unsigned iterations,
                const struct bench_progress *progress, struct bench_frame *ret)
{
        _cleanup_(freep) double *times = calloc((BENCH_STEPS + 1) * (size_t)iterations, sizeof *times);
        struct rig rig = {.gpu = engine->gpu, .effect = &config->effect};
        int r = times ? prepare(&rig, engine, config) : -ENOMEM;

        if (r == 0)
                r = iterate(&rig, iterations, progress, times, ret);
        ret->memory = gpu_allocated(engine->gpu);
        finish(&rig);
        return r;
}
