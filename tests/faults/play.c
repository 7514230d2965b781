#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/cm.h"
#include "tests/faults/fake-host.h"
#include "tests/faults/fake-vulkan.h"
#include "tests/faults/faults.h"
#include "tests/faults/play.h"
#include "tests/model/forge.h"

enum { WIDTH = 64, HEIGHT = 48 };

static void on_show(void *userdata, const uint8_t *frame, uint64_t time_ns)
{
        struct play *play = userdata;

        assert_non_null(frame);
        if (play->startup.pipeline_options.mode == MODE_EXACT) /* only one frame at a time */
                assert_int_equal(fake_in_flight(), 0);
        play->shown++;
}

static void on_ready(void *userdata)
{
}

static void on_read(void *userdata)
{
        struct play *play = userdata;

        play->read++;
}

static void on_failed(void *userdata, int error)
{
        struct play *play = userdata;

        play->told++;
        play->error = error;
}

enum gpu_backend play_backend(unsigned variant)
{
        return variant / EFFECTS / 2 ? GPU_BACKEND_SUBGROUP : GPU_BACKEND_TILED;
}

static void start_up(void *userdata)
{
        struct startup *startup = userdata;

        startup->result = engine_open(&startup->engine, &startup->engine_options, startup->why, sizeof startup->why);
        if (startup->result < 0)
                return;
        startup->pipeline_options.engine = &startup->engine;
        startup->result =
                pipeline_new(&startup->pipeline_options, &startup->pipeline, startup->why, sizeof startup->why);
        if (startup->result < 0)
                engine_close(&startup->engine);
}

int play_open(struct play *play)
{
        static struct frame_format sink = {.fourcc = V4L2_PIX_FMT_YUYV, .width = WIDTH, .height = HEIGHT};
        struct startup *startup = &play->startup;

        assert_int_equal(frame_format_pack(&sink), 0);
        host_self_test(play->variant % EFFECTS == 0);
        fake_prefer_texels(play_backend(play->variant) == GPU_BACKEND_SUBGROUP);
        startup->engine_options = (struct engine_options){.model = forge_path()};
        const uint32_t effect = UINT32_C(1) << play->variant % EFFECTS;
        startup->pipeline_options = (struct pipeline_options){
                .sink = &sink,
                .effect.chain = effect,
                .mode = play->variant / EFFECTS % 2 ? MODE_EXACT : MODE_SMOOTH,
                .label_age_ms = 300,
                .events = {.show = on_show, .ready = on_ready, .read = on_read, .failed = on_failed, .userdata = play},
                .stats = &play->stats,
        };
        effect_settings_reset(&startup->pipeline_options.effect, effect);
        int r = task_begin(&startup->task, start_up, startup);
        if (r < 0)
                return r;
        struct pollfd done = {.fd = startup->task.fd, .events = POLLIN};
        assert_int_equal(poll(&done, 1, -1), 1);
        task_finish(&startup->task);
        r = startup->result;
        if (r < 0) {
                assert_true(startup->why[0] && !startup->engine.gpu);
                return r;
        }
        assert_int_equal(gpu_backend(startup->engine.gpu), play_backend(play->variant));
        play->pipeline = startup->pipeline;
        return 0;
}

/* ---- cameras ---- */

enum { BUFFERS = 3, LENGTH = WIDTH * HEIGHT * 4 };

static _Alignas(4096) uint8_t bytes[BUFFERS][LENGTH];
static struct frame_memory memory = {.count = BUFFERS, .owners = 1};
static int dmabufs[BUFFERS];

/* What has the length of a dma-buf is one for this driver. */
void play_prepare(void)
{
        for (int i = 0; i < BUFFERS; i++) {
                dmabufs[i] = memfd_create("dma-buf", MFD_CLOEXEC);
                assert_true(dmabufs[i] >= 0);
                assert_int_equal(ftruncate(dmabufs[i], LENGTH), 0);
        }
}

unsigned play_memory_owners(void)
{
        return memory.owners - 1;
}

static int set_camera(struct play *play, uint32_t fourcc, struct frame_memory *with)
{
        struct frame_format format = {.fourcc = fourcc, .width = WIDTH, .height = HEIGHT};

        assert_int_equal(frame_format_pack(&format), 0);
        return pipeline_source(play->pipeline, &format, with);
}

int play_camera(struct play *play, uint32_t fourcc)
{
        return set_camera(play, fourcc, NULL);
}

int play_camera_in_place(struct play *play, uint32_t fourcc, enum gpu_import how)
{
        for (int i = 0; i < BUFFERS; i++)
                memory.buffers[i] = (struct frame_buffer){bytes[i], LENGTH, how == GPU_IMPORT_DMABUF ? dmabufs[i] : -1};
        int r = set_camera(play, fourcc, &memory);
        play->other_way |=
                r == 0 && !strstr(pipeline_intake(play->pipeline), how == GPU_IMPORT_DMABUF ? "dma-buf" : "host");
        return r;
}

int play_push(struct play *play)
{
        static uint32_t index;

        index = (index + 1) % BUFFERS;
        int r = pipeline_push(play->pipeline, &(struct frame){.data = bytes[index], .time_ns = 1, .index = index});
        play->owed |= r < 0;
        return r < 0 ? r : 0;
}

int play_until_idle(struct play *play)
{
        struct gpu *gpu = play->startup.engine.gpu;
        struct pollfd event = {.fd = gpu_fd(gpu), .events = POLLIN};

        /* A loss may be known, and even have been reported, before everything in flight has ended. */
        while (!(pipeline_ready(play->pipeline) && pipeline_idle(play->pipeline)) && !play->told) {
                assert_int_equal(poll(&event, 1, -1), 1);
                play->owed |= gpu_dispatch(gpu) < 0;
        }
        return play->told ? play->error : 0;
}

static int show_frames(struct play *play, unsigned n)
{
        int r = 0;

        while (n-- && r == 0)
                if ((r = play_push(play)) == 0)
                        r = play_until_idle(play);
        return r;
}

static int first_camera(struct play *play)
{
        int r = play_camera_in_place(play, V4L2_PIX_FMT_YUYV, GPU_IMPORT_DMABUF);

        return r < 0 ? r : show_frames(play, 3);
}

static int second_camera(struct play *play)
{
        int r = play_push(play);

        if (r == 0)
                r = play_camera_in_place(play, V4L2_PIX_FMT_NV12, GPU_IMPORT_HOST);
        if (r == 0)
                r = play_until_idle(play);
        return r < 0 ? r : show_frames(play, 1);
}

int play_snapshot(struct play *play)
{
        uint8_t *rgba = NULL, *labels = NULL;

        int r = pipeline_snapshot(play->pipeline, &rgba, &labels);
        free(rgba);
        free(labels);
        return r;
}

/* Tunes while the engine is in use, as the daemon does on a thread. */
static int tune(struct play *play)
{
        const struct gpu_tuning tuning = {0};
        char why[600] = "";

        int r = engine_tune(&play->startup.engine_options, &tuning, why, sizeof why);
        assert_true(r >= 0 || why[0]);
        return r < 0 ? r : 0;
}

static int one_more(struct play *play)
{
        return play_push(play);
}

static const struct {
        const char *name;
        int (*run)(struct play *play);
} acts[] = {
        {"open", play_open}, {"first camera", first_camera}, {"second camera", second_camera},
        {"tune", tune},      {"snapshot", play_snapshot},    {"one more", one_more},
};

void play_close(struct play *play)
{
        pipeline_free(play->pipeline);
        engine_close(&play->startup.engine);
}

/* Forgets what earlier plays have measured. */
static void forget(void)
{
        glob_t found;
        char pattern[PATH_MAX];

        snprintf(pattern, sizeof pattern, "%s/choices-*", getenv("CACHE_DIRECTORY"));
        if (glob(pattern, 0, NULL, &found) == 0)
                for (size_t i = 0; i < found.gl_pathc; i++)
                        unlink(found.gl_pathv[i]);
        globfree(&found);
}

int play_run(struct play *play, unsigned variant)
{
        int r = 0;

        forget();
        *play = (struct play){.variant = variant, .startup.task = TASK_NONE};
        for (size_t i = 0; i < sizeof acts / sizeof *acts && r == 0; i++) {
                play->act = acts[i].name;
                play->hit = faults_injected() > 0;
                r = acts[i].run(play);
        }
        if (play->told) { /* it no longer accepts anything */
                assert_int_equal(play_push(play), -ENODEV);
                assert_int_equal(play_camera(play, V4L2_PIX_FMT_YUYV), -ENODEV);
                assert_int_equal(play_snapshot(play), -ENODEV);
        }
        play_close(play);
        return r;
}
