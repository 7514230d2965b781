#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/bus/bus.h"
#include "daemon/common/cleanup.h"
#include "daemon/common/paths.h"
#include "daemon/common/text.h"
#include "daemon/pipeline/report.h"
#include "daemon/pipeline/sheet.h"
#include "daemon/service/parts.h"

/* How long each room may take for what it does before the service manager is left to think that this process hangs. The
 * first opening of a GPU compiles everything. */
#define SINK_LATE_NS 5000000000ull
#define CAMERA_LATE_NS 60000000000ull
#define GPU_LATE_NS 1200000000000ull

#define SLEEP_USEC 500000 /* between looks whether the machine slept */

/* ---- the whole of it ---- */

const char *const manager_state_names[] = {"starting", "idle", "streaming", "waiting", "paused", "stopped"};

/* What the placeholder says: why there's nothing better to see. */
static const char *caption(const struct manager *m)
{
        if (m->stopped)
                return "stopped";
        if (m->paused)
                return "paused";
        if (m->gpu.state != GPU_READY)
                return m->gpu.losses ? "the GPU is being restarted" : "starting";
        const char *trouble = manager_camera_caption(m);
        return trouble ? trouble : "starting";
}

static enum manager_state look(const struct manager *m, char *ret, size_t size)
{
        const char *sink = m->config.virtual_camera, *held = bus_hold_reason(m->bus);

        if (m->stopped)
                return snprintf(ret, size, "stopped until somebody starts it"), MANAGER_STOPPED;
        if (m->paused)
                return snprintf(ret, size, "paused until somebody resumes it"), MANAGER_PAUSED;
        if (m->sink.state != SINK_OPEN)
                return snprintf(ret, size, "no virtual camera: %s", m->sink.cause.text), MANAGER_WAITING;
        if (m->gpu.state != GPU_READY)
                return snprintf(ret, size, m->gpu.losses ? "opening the GPU again" : "opening the GPU and the model"),
                       MANAGER_STARTING;
        if (m->camera.error)
                return snprintf(ret, size, "%s", m->camera.cause.text), MANAGER_WAITING;
        if (m->sink.live)
                return snprintf(ret, size, "%.200s -> %.200s%s%s", camera_name(m->camera.camera), sink,
                                *held ? ", held for " : "", held),
                       MANAGER_STREAMING;
        if (!manager_camera_wanted(m))
                return snprintf(ret, size, "idle: nobody watches %.200s", sink), MANAGER_IDLE;
        return snprintf(ret, size, "opening the camera"), MANAGER_STARTING;
}

enum manager_state manager_state(const struct manager *m, char *ret, size_t size)
{
        char text[sizeof m->said];

        enum manager_state state = look(m, text, sizeof text);
        text_printable(text, ret, size); /* it may be any device's, and a line break would tell systemd more */
        return state;
}

static void describe(struct manager *m)
{
        char text[sizeof m->said];

        manager_state(m, text, sizeof text);
        if (strcmp(text, m->said) == 0)
                return;
        memcpy(m->said, text, sizeof text);
        sd_notifyf(false, "STATUS=%s", text);
}

void manager_update(struct manager *m)
{
        if (m->stopping)
                return;
        manager_camera_update(m); /* first: the GPU is closed after it */
        manager_gpu_update(m);
        manager_sink_say(m, caption(m));
        describe(m);
        bus_update(m->bus);
}

/* ---- what clients may do ---- */

/* There while a pause lasts, so that it outlives a crash; systemd's RuntimeDirectory= is gone after a stop. */
static bool pause_mark(char *ret, size_t size)
{
        const char *folder = getenv("RUNTIME_DIRECTORY");

        return folder && snprintf(ret, size, "%s/paused", folder) < (int)size;
}

void manager_pause(struct manager *m, bool yes)
{
        char mark[PATH_MAX];

        m->paused = yes;
        log_info(yes ? "paused" : "resumed");
        if (!pause_mark(mark, sizeof mark))
                return;
        int fd = yes ? open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
        if (yes && fd < 0)
                log_warning("%s: %s; a crash would end the pause", mark, strerror(errno));
        if (fd >= 0)
                close(fd);
        if (!yes)
                unlink(mark);
}

void manager_take_config(struct manager *m, const struct config *new)
{
        const struct config before = m->config;

        m->config.look = new->look;
        m->config.mode = new->mode;
        m->config.always_on = new->always_on;
        if (m->gpu.state == GPU_READY) {
                pipeline_set_mode(m->gpu.now->pipeline, new->mode);
                int r = pipeline_set_look(m->gpu.now->pipeline, &new->look);
                if (r < 0)
                        log_warning("the effect cannot be set: %s", strerror(-r));
        }
        if (strcmp(new->camera, before.camera) != 0)
                manager_camera_choose(m, new->camera);
        if (strcmp(new->virtual_camera, before.virtual_camera) != 0 || new->width != before.width ||
            new->height != before.height || new->rate.numerator != before.rate.numerator ||
            new->rate.denominator != before.rate.denominator)
                log_notice("virtual-camera, size and rate change when visaged is started again");
        manager_update(m);
}

/* ---- the watchdog ---- */

static bool late(uint64_t since, uint64_t limit)
{
        return stats_now() - since > limit;
}

static bool healthy(const struct manager *m)
{
        if (m->sink.state == SINK_OPEN && late(m->sink.served, SINK_LATE_NS + 2 * m->sink.interval))
                return false;
        if ((m->camera.state == CAMERA_OPENING || m->camera.state == CAMERA_CLOSING) &&
            late(m->camera.since, CAMERA_LATE_NS))
                return false;
        return !m->gpu.task.running || !late(m->gpu.task_since, GPU_LATE_NS);
}

/* Said only while every room is well: that the loop turns proves little. */
static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        if (healthy(m))
                sd_notify(false, "WATCHDOG=1");
        return sd_event_source_set_time_relative(source, m->watchdog_interval);
}

static int prepare_watchdog(struct manager *m)
{
        uint64_t usec;

        int r = sd_watchdog_enabled(false, &usec);
        if (r <= 0)
                return r;
        m->watchdog_interval = usec / 3;
        r = sd_event_add_time_relative(m->event, &m->watchdog, CLOCK_MONOTONIC, 0, 0, on_watchdog, m);
        return r < 0 ? r : sd_event_source_set_enabled(m->watchdog, SD_EVENT_ON);
}

/* ---- sleep ---- */

/* A timer of its own, for frames that come steadily leave the sink's tick no turn. */
static int on_sleep_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        double slept = sleep_watch_slept(&m->sleep);
        if (slept > 0) {
                log_notice("the machine slept for %.0f s; opening the camera again", slept);
                manager_camera_reopen(m);
        }
        return sd_event_source_set_time_relative(source, SLEEP_USEC);
}

static int prepare_sleep_watch(struct manager *m)
{
        sleep_watch_init(&m->sleep);
        int r = sd_event_add_time_relative(m->event, &m->sleep_timer, CLOCK_MONOTONIC, SLEEP_USEC, 0, on_sleep_timer,
                                           m);
        return r < 0 ? r : sd_event_source_set_enabled(m->sleep_timer, SD_EVENT_ON);
}

/* ---- the start ---- */

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        manager_stop(userdata, 0);
        return 0;
}

static int prepare(struct manager *m)
{
        char mark[PATH_MAX];
        sigset_t signals;
        int r;

        m->paused = pause_mark(mark, sizeof mark) && access(mark, F_OK) == 0;
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        if ((r = sd_event_default(&m->event)) < 0 ||
            (r = sd_event_add_signal(m->event, NULL, SIGINT, on_signal, m)) < 0 ||
            (r = sd_event_add_signal(m->event, NULL, SIGTERM, on_signal, m)) < 0 || (r = prepare_watchdog(m)) < 0 ||
            (r = prepare_sleep_watch(m)) < 0 || (r = manager_sink_prepare(m)) < 0 || (r = manager_gpu_prepare(m)) < 0 ||
            (r = manager_camera_prepare(m)) < 0 || (r = bus_new(m, &m->bus)) < 0)
                log_error("the event loop: %s", strerror(-r));
        return r;
}

/* ---- the end ---- */

void manager_stop(struct manager *m, int status)
{
        if (status > m->status)
                m->status = status;
        m->stopping = true;
        sd_event_exit(m->event, 0);
}

static void write_sheet(struct manager *m, const uint8_t *rgba, const uint8_t *labels)
{
        const struct frame_format *format = &m->sink.format;

        int r = sheet_write(m->options->sheet, &m->gpu.now->engine.model, format->width, format->height, rgba, labels);
        if (r < 0) {
                log_error("%s: %s", m->options->sheet, strerror(-r));
                m->status = 1;
        }
}

static void tell(struct manager *m)
{
        _cleanup_(freep) uint8_t *rgba = NULL, *labels = NULL;
        const bool ready = m->gpu.state == GPU_READY;
        char line[512];
        int r;

        if (ready && (m->options->report || m->options->sheet)) {
                r = pipeline_snapshot(m->gpu.now->pipeline, &rgba, &labels);
                if (r < 0 && r != -EAGAIN)
                        log_error("the last frame: %s", strerror(-r));
        }
        struct report report = {
                .engine = ready ? &m->gpu.now->engine : NULL,
                .stats = &m->stats,
                .camera = m->config.camera,
                .virtual_camera = m->config.virtual_camera,
                .labels = labels,
                .width = m->sink.format.width,
                .height = m->sink.format.height,
                .seconds = (stats_now() - m->began) / 1e9,
        };
        report_line(&report, line, sizeof line);
        log_info("%s", line);
        if (m->options->report && (r = report_write(&report, m->options->report)) < 0) {
                log_error("%s: %s", m->options->report, strerror(-r));
                m->status = 1;
        }
        if (m->options->sheet && rgba)
                write_sheet(m, rgba, labels);
        else if (m->options->sheet)
                log_warning("%s: not written, for there was no frame", m->options->sheet);
}

/* What is written at the end, seen at the start. */
static int check_results(const struct manager *m)
{
        const char *const files[] = {m->options->report, m->options->sheet};
        int worst = 0;

        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
                int r = files[i] ? paths_can_write(files[i]) : 0;
                if (r < 0)
                        log_error("%s: %s", files[i], strerror(-r));
                worst = r < 0 ? r : worst;
        }
        return worst;
}

/* False: what is still opening goes with the process. */
static bool finish(struct manager *m)
{
        bus_free(m->bus);
        m->bus = NULL;
        manager_camera_finish(m);
        manager_sink_finish(m);
        if (!manager_gpu_finish(m))
                return false;
        sd_event_source_unref(m->watchdog);
        sd_event_source_unref(m->sleep_timer);
        sd_event_unref(m->event);
        return true;
}

int manager_run(const struct options *options)
{
        static struct manager m; /* threads point into it */

        m = (struct manager){.options = options, .config = options->config, .began = stats_now()};
        memcpy(m.configured_model, m.config.model, sizeof m.configured_model);
        m.gpu.task = m.camera.task = TASK_NONE; /* where preparing ends before the rooms */
        int r = prepare(&m);
        if (r == 0 && (r = check_results(&m)) == 0 && (r = manager_camera_check(&m)) == 0) {
                sd_notify(false, "READY=1");
                if ((r = manager_sink_open(&m)) == 0 && (r = sd_event_loop(m.event)) < 0)
                        log_error("the event loop: %s", strerror(-r));
        }
        sd_notify(false, "STOPPING=1");
        manager_camera_close(&m);
        if (m.sink.format.width)
                tell(&m);
        int status = r < 0 ? 1 : m.status;
        if (!finish(&m) || m.gpu.was_lost)
                _exit(status);
        return status;
}
