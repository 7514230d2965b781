/* Tuning: measures in the background which algorithms are the fastest for the model in use.  It happens once for each
 * driver and model, because the result is kept.  It is used when the model is opened next: reopening it now would keep
 * clients from changing the GPU or the model meanwhile. */
#define LOG_COMPONENT "gpu"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/service/parts.h"

/* It begins when this many frames have been parsed within this time, so not while something is being opened. */
#define WAIT_USEC 10000000
enum { FRAMES = 5 };

/* How many times as long as a run it rests after it, up to REST seconds: frames come first. */
#define REST 2

#define END_MS 2000 /* how long the end of the daemon waits for it */

/* ---- on the thread ---- */

static bool rest(void *userdata, const struct gpu_conv *conv, double seconds)
{
        struct tuning_part *t = userdata;

        usleep(seconds < 1 ? REST * seconds * 1e6 : REST * 1e6);
        return !t->stop;
}

static void tune(void *userdata)
{
        struct tuning_part *t = userdata;
        const struct gpu_tuning tuning = {rest, t};
        const struct engine_options options = {
                .gpu = t->config.gpu,
                .model = t->config.model,
                .backend = t->backend,
                .precision = t->config.precision,
                .width = t->format.width,
                .height = t->format.height,
        };

        t->result = engine_tune(&options, &tuning, t->why, sizeof t->why);
}

/* ---- transitions ---- */

static void end(struct supervisor *sv)
{
        struct tuning_part *t = &sv->tuning;

        t->done = sd_event_source_disable_unref(t->done);
        task_finish(&t->task);
        t->tried = t->result != -ECANCELED;
        sv->gpu.was_lost |= t->result == -ENODEV;
        if (t->result == -ECANCELED)
                return;
        if (t->result < 0)
                log_info("the GPU could not be tuned: %s", t->why);
        else if (t->result == 0)
                log_info("the GPU is tuned: all layers are computed in the fastest way");
        else
                log_info("the GPU is tuned: %d layers will be computed in a faster way when the model is next opened",
                         t->result);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct supervisor *sv = userdata;

        end(sv);
        sv->update(sv);
        return 0;
}

static void begin(struct supervisor *sv)
{
        struct tuning_part *t = &sv->tuning;

        t->config = sv->config;
        t->format = sv->gpu.now->format;
        t->backend = gpu_backend(sv->gpu.now->engine.gpu);
        t->stop = false;
        int r = task_begin(&t->task, tune, t);
        if (r == 0 && sd_event_add_io(sv->event, &t->done, t->task.fd, EPOLLIN, on_done, sv) < 0)
                t->stop = true; /* out of memory: supervisor_tuning_finish() waits for it */
}

static bool wanted(const struct supervisor *sv)
{
        const struct gpu_part *g = &sv->gpu;
        const struct tuning_part *t = &sv->tuning;

        return g->state == GPU_READY && !g->task.running && !t->task.running && !supervisor_is_finite(sv) &&
               !engine_is_tuned(&g->now->engine) && !(t->tried && config_same_engine(&t->config, &sv->config));
}

static void wait_for_frames(struct supervisor *sv)
{
        sv->tuning.parsed = sv->results.sequence;
        sd_event_source_set_time_relative(sv->tuning.timer, WAIT_USEC);
        sd_event_source_set_enabled(sv->tuning.timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;

        if (!wanted(sv))
                return 0;
        if (sv->results.sequence - sv->tuning.parsed >= FRAMES)
                begin(sv);
        else
                wait_for_frames(sv);
        return 0;
}

void supervisor_tuning_update(struct supervisor *sv)
{
        int waits = SD_EVENT_OFF;

        if (sv->tuning.task.running)
                sv->tuning.stop = sv->tuning.stop || sv->gpu.state != GPU_READY;
        else if (wanted(sv) && sd_event_source_get_enabled(sv->tuning.timer, &waits) >= 0 && waits == SD_EVENT_OFF)
                wait_for_frames(sv);
}

/* ---- begin and end ---- */

int supervisor_tuning_prepare(struct supervisor *sv)
{
        int r = sd_event_add_time_relative(sv->event, &sv->tuning.timer, CLOCK_MONOTONIC, 0, 1000000, on_timer, sv);

        return r < 0 ? r : sd_event_source_set_enabled(sv->tuning.timer, SD_EVENT_OFF);
}

bool supervisor_tuning_finish(struct supervisor *sv)
{
        struct tuning_part *t = &sv->tuning;
        struct pollfd done = {.fd = t->task.fd, .events = POLLIN};

        t->done = sd_event_source_disable_unref(t->done);
        t->timer = sd_event_source_disable_unref(t->timer);
        t->stop = true;
        if (t->task.running && poll(&done, 1, END_MS) <= 0)
                return false;
        task_finish(&t->task);
        return true;
}
