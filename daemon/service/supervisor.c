#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/bus/bus.h"
#include "daemon/common/cleanup.h"
#include "daemon/common/paths.h"
#include "daemon/pipeline/report.h"
#include "daemon/pipeline/sheet.h"
#include "daemon/service/parts.h"
#include "daemon/service/supervisor.h"

/* How long each part may take before the watchdog is no longer fed. */
#define OUTPUT_LATE_NS 5000000000ull
#define CAMERA_LATE_NS 60000000000ull
#define CALL_LATE_NS 120000000000ull /* threads that work for clients of the bus */

#define SLEEP_USEC 500000 /* between checks whether the machine was suspended */

/* ---- updates ---- */

static void describe(struct supervisor *sv)
{
        char text[sizeof sv->said];

        supervisor_state(sv, text, sizeof text);
        if (strcmp(text, sv->said) == 0)
                return;
        memcpy(sv->said, text, sizeof text);
        sd_notifyf(false, "STATUS=%s", text);
}

/* Whether the camera's file has ended and all its frames have been shown. */
static bool is_played(const struct supervisor *sv)
{
        return sv->ending && sv->gpu.state == GPU_READY && pipeline_idle(sv->gpu.now->pipeline) &&
               supervisor_playout_is_empty(sv);
}

static void update(struct supervisor *sv)
{
        if (!sv->stopping && is_played(sv))
                sv->stop(sv, 0);
        if (sv->stopping)
                return;
        supervisor_outputs_update(sv);
        supervisor_gpu_follow(sv);    /* before the camera asks whether there is a GPU */
        supervisor_camera_update(sv); /* before the GPU, which is closed after it */
        supervisor_gpu_update(sv);
        supervisor_tuning_update(sv);
        supervisor_outputs_say(sv, supervisor_caption(sv));
        describe(sv);
        bus_update(sv->bus);
}

/* ---- the watchdog ---- */

static bool late(uint64_t since, uint64_t limit)
{
        return stats_now() - since > limit;
}

static bool healthy(const struct supervisor *sv)
{
        for (unsigned i = 0; i < sv->output.count; i++) {
                const struct output *out = &sv->output.list[i];
                if (out->state == OUTPUT_OPEN && late(out->served, OUTPUT_LATE_NS + 2 * sv->output.interval))
                        return false;
        }
        if ((sv->camera.state == CAMERA_OPENING || sv->camera.state == CAMERA_CLOSING) &&
            late(sv->camera.since, CAMERA_LATE_NS))
                return false;
        uint64_t working = bus_working_since(sv->bus);
        if (working > 0 && late(working, CALL_LATE_NS))
                return false;
        return !sv->gpu.task.running || !late(sv->gpu.task_since, supervisor_gpu_patience(sv));
}

/* Only while every part works: that the event loop runs proves little. */
static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;

        if (healthy(sv))
                sd_notify(false, "WATCHDOG=1");
        return sd_event_source_set_time_relative(source, sv->watchdog_interval);
}

static int prepare_watchdog(struct supervisor *sv)
{
        uint64_t usec;

        int r = sd_watchdog_enabled(false, &usec);
        if (r <= 0)
                return r;
        sv->watchdog_interval = usec / 3;
        r = sd_event_add_time_relative(sv->event, &sv->watchdog, CLOCK_MONOTONIC, 0, 0, on_watchdog, sv);
        return r < 0 ? r : sd_event_source_set_enabled(sv->watchdog, SD_EVENT_ON);
}

/* ---- sleep ---- */

/* A separate timer, because steady frames keep an output's timer from firing. */
static int on_sleep_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;

        double slept = sleep_watch_slept(&sv->sleep);
        if (slept > 0) {
                log_notice("the machine was suspended for %.0f s; opening the camera again", slept);
                supervisor_camera_reopen(sv);
        }
        return sd_event_source_set_time_relative(source, SLEEP_USEC);
}

static int prepare_sleep_watch(struct supervisor *sv)
{
        sleep_watch_init(&sv->sleep);
        int r = sd_event_add_time_relative(sv->event, &sv->sleep_timer, CLOCK_MONOTONIC, SLEEP_USEC, 0, on_sleep_timer,
                                           sv);
        return r < 0 ? r : sd_event_source_set_enabled(sv->sleep_timer, SD_EVENT_ON);
}

/* ---- the start ---- */

static void stop(struct supervisor *sv, int status)
{
        if (status > sv->status)
                sv->status = status;
        sv->stopping = true;
        sd_event_exit(sv->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        stop(userdata, 0);
        return 0;
}

static int prepare(struct supervisor *sv)
{
        sigset_t signals;
        int r;

        sv->paused = supervisor_was_paused();
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        if ((r = sd_event_default(&sv->event)) < 0 ||
            (r = sd_event_add_signal(sv->event, NULL, SIGINT, on_signal, sv)) < 0 ||
            (r = sd_event_add_signal(sv->event, NULL, SIGTERM, on_signal, sv)) < 0 || (r = prepare_watchdog(sv)) < 0 ||
            (r = prepare_sleep_watch(sv)) < 0 || (r = supervisor_outputs_prepare(sv)) < 0 ||
            (r = supervisor_playout_prepare(sv)) < 0 || (r = supervisor_gpu_prepare(sv)) < 0 ||
            (r = supervisor_tuning_prepare(sv)) < 0 || (r = supervisor_camera_prepare(sv)) < 0 ||
            (r = bus_new(&supervisor_control, sv, sv->event, &sv->bus)) < 0)
                log_error("the event loop: %s", strerror(-r));
        return r;
}

/* ---- the end ---- */

static void write_sheet(struct supervisor *sv, const uint8_t *rgba, const uint8_t *labels)
{
        const struct frame_format *format = &sv->output.format;

        int r = sheet_write(sv->options->sheet, &sv->gpu.now->engine.model, format->width, format->height, rgba,
                            labels);
        if (r < 0) {
                log_error("%s: %s", sv->options->sheet, strerror(-r));
                sv->status = 1;
        }
}

static void tell(struct supervisor *sv)
{
        _cleanup_(freep) uint8_t *rgba = NULL, *labels = NULL;
        const bool ready = sv->gpu.state == GPU_READY;
        char line[512];
        int r;

        if (ready && (sv->options->report || sv->options->sheet)) {
                r = pipeline_snapshot(sv->gpu.now->pipeline, &rgba, &labels);
                if (r < 0 && r != -EAGAIN)
                        log_error("the last frame: %s", strerror(-r));
        }
        struct report report = {
                .engine = ready ? &sv->gpu.now->engine : NULL,
                .stats = &sv->stats,
                .config = &sv->config,
                .labels = labels,
                .width = sv->output.format.width,
                .height = sv->output.format.height,
                .seconds = (stats_now() - sv->began) / 1e9,
        };
        report_line(&report, line, sizeof line);
        log_info("%s", line);
        if (sv->options->report && (r = report_write(&report, sv->options->report)) < 0) {
                log_error("%s: %s", sv->options->report, strerror(-r));
                sv->status = 1;
        }
        if (sv->options->sheet && rgba)
                write_sheet(sv, rgba, labels);
        else if (sv->options->sheet)
                log_warning("%s: not written because there was no frame", sv->options->sheet);
}

/* Checks at the start that the files to be written at the end can be. */
static int check_results(const struct supervisor *sv)
{
        const char *const files[] = {sv->options->report, sv->options->sheet};
        int worst = 0;

        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
                int r = files[i] ? paths_can_write(files[i]) : 0;
                if (r < 0)
                        log_error("%s: %s", files[i], strerror(-r));
                worst = r < 0 ? r : worst;
        }
        return worst;
}

/* False: a thread is still opening or tuning the GPU.  It ends with the process. */
static bool finish(struct supervisor *sv)
{
        bus_free(sv->bus);
        sv->bus = NULL;
        supervisor_camera_finish(sv);
        supervisor_playout_finish(sv);
        supervisor_outputs_finish(sv);
        const bool tuned = supervisor_tuning_finish(sv);
        if (!supervisor_gpu_finish(sv) || !tuned)
                return false;
        sd_event_source_unref(sv->watchdog);
        sd_event_source_unref(sv->sleep_timer);
        sd_event_unref(sv->event);
        return true;
}

int supervisor_run(const struct options *options)
{
        static struct supervisor supervisor; /* threads point into it */
        struct supervisor *sv = &supervisor;

        *sv = (struct supervisor){
                .update = update,
                .stop = stop,
                .options = options,
                .config = options->config,
                .began = stats_now(),
        };
        memcpy(sv->configured_model, sv->config.model, sizeof sv->configured_model);
        sv->gpu.task = sv->tuning.task = sv->camera.task =
                TASK_NONE; /* in case prepare() fails before the parts are prepared */
        int r = prepare(sv);
        if (r == 0 && (r = check_results(sv)) == 0 && (r = supervisor_camera_check(sv)) == 0) {
                sd_notify(false, "READY=1");
                if ((r = supervisor_outputs_open(sv)) == 0 && (r = sd_event_loop(sv->event)) < 0)
                        log_error("the event loop: %s", strerror(-r));
        }
        sd_notify(false, "STOPPING=1");
        supervisor_playout_flush(sv);
        supervisor_outputs_leave(sv); /* first, because the rest may take a while */
        supervisor_camera_close(sv);
        if (sv->output.format.width)
                tell(sv);
        int status = r < 0 ? 1 : sv->status;
        if (!finish(sv) || sv->gpu.was_lost)
                _exit(status);
        return status;
}
