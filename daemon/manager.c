#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#include "daemon/cleanup.h"
#include "daemon/log.h"
#include "daemon/manager-private.h"
#include "daemon/placeholder.h"
#include "daemon/report.h"
#include "daemon/sheet.h"

/* ---- the virtual camera ---- */

/* Times must not go back, and the placeholder's are of now, later than a frame that was captured before it. */
static int show(struct manager *m, const uint8_t *frame, uint64_t time_ns)
{
        if (time_ns <= m->shown_time)
                time_ns = m->shown_time + 1;
        int r = sink_show(m->sink, frame, time_ns);
        if (r == 0) {
                m->shown_time = time_ns;
        } else if (r == -EAGAIN) {
                m->stats.refused++;
        } else {
                log_error("%s: %s", m->options->config.virtual_camera, strerror(-r));
                manager_stop(m, 1);
        }
        return r;
}

static int on_placeholder(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        if (show(m, m->placeholder, stats_now()) == 0)
                m->stats.placeholders++;
        /* After a standstill the frames that are late are not made up for. */
        uint64_t next = usec + m->interval, now = stats_now() / 1000;
        sd_event_source_set_time(source, next > now ? next : now + m->interval);
        return 0;
}

void manager_show_placeholder(struct manager *m, bool yes)
{
        if (yes && !m->showing_placeholder)
                sd_event_source_set_time(m->placeholder_timer, 0);
        sd_event_source_set_enabled(m->placeholder_timer, yes ? SD_EVENT_ON : SD_EVENT_OFF);
        m->showing_placeholder = yes;
}

static int open_sink(struct manager *m)
{
        const struct config *config = &m->options->config;
        const struct frame_format wish = {.width = config->width, .height = config->height, .matrix = FRAME_BT601};
        char why[512];

        int r = sink_open(config->virtual_camera, &wish, config->rate, &m->sink, why, sizeof why);
        if (r < 0) {
                log_error("%s", why);
                return r;
        }
        const struct frame_format *format = sink_format(m->sink);
        log_info("virtual camera: %s, %s %ux%u", config->virtual_camera, frame_fourcc_name(format->fourcc),
                 format->width, format->height);
        if ((r = placeholder_make(format, &m->placeholder)) < 0) {
                log_error("%s wants %s, which visaged cannot write", config->virtual_camera,
                          frame_fourcc_name(format->fourcc));
                return r;
        }
        return 0;
}

/* ---- the pipeline's events ---- */

static void on_show(void *userdata, const uint8_t *frame, uint64_t time_ns)
{
        struct manager *m = userdata;
        uint64_t now = stats_now();

        if (show(m, frame, time_ns) < 0)
                return;
        if (m->showing_placeholder) {
                manager_show_placeholder(m, false);
                manager_status(m, "%s -> %s", camera_name(m->camera), m->options->config.virtual_camera);
        }
        stats_event(&m->stats.shown, now);
        stats_time(&m->stats.latency, now > time_ns ? now - time_ns : 0);
        if (m->stats.shown.count == m->options->frames)
                manager_stop(m, 0);
}

static void on_ready(void *userdata)
{
        struct manager *m = userdata;

        if (m->ending)
                manager_stop(m, 0);
        manager_camera_wanted(m);
}

static void on_failed(void *userdata, int error)
{
        struct manager *m = userdata;

        if (m->gpu_failed)
                return;
        m->gpu_failed = true;
        log_error("the GPU failed: %s", error == -ENODEV ? "it is lost" : strerror(-error));
        manager_stop(m, 1);
}

static int on_gpu(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct manager *m = userdata;

        int r = gpu_dispatch(m->startup.engine.gpu);
        if (r < 0)
                on_failed(m, r);
        return 0;
}

/* ---- the start ---- */

static void on_progress(void *userdata, const char *what, double seconds)
{
        log_info("%s (%.1f s)", what, seconds);
}

static int on_started(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct manager *m = userdata;

        m->starting = sd_event_source_unref(m->starting);
        int r = startup_finish(&m->startup);
        if (r < 0) {
                log_error("%s", m->startup.why);
                manager_stop(m, 1);
                return 0;
        }
        m->pipeline = m->startup.pipeline;
        r = sd_event_add_io(m->event, &m->gpu_events, gpu_fd(m->startup.engine.gpu), EPOLLIN, on_gpu, m);
        if (r < 0) {
                log_error("the event loop: %s", strerror(-r));
                manager_stop(m, 1);
                return 0;
        }
        manager_camera_open(m);
        return 0;
}

static int begin(struct manager *m)
{
        const struct config *config = &m->options->config;

        m->startup.engine_options = (struct engine_options){
                .gpu = config->gpu,
                .model = config->model,
                .precision = config->precision,
                .progress = on_progress,
        };
        m->startup.pipeline_options = (struct pipeline_options){
                .sink = sink_format(m->sink),
                .effect = config->effect,
                .mode = config->mode,
                .stats = &m->stats,
                .events = {.show = on_show, .ready = on_ready, .failed = on_failed, .userdata = m},
        };
        manager_status(m, "opening the GPU and the model");
        int r = startup_begin(&m->startup);
        if (r == 0)
                r = sd_event_add_io(m->event, &m->starting, m->startup.fd, EPOLLIN, on_started, m);
        return r;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        manager_stop(userdata, 0);
        return 0;
}

static int prepare(struct manager *m)
{
        const struct config *config = &m->options->config;
        sigset_t signals;
        int r;

        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        m->interval = 1000000ull * config->rate.denominator / config->rate.numerator;
        if ((r = sd_event_default(&m->event)) < 0 ||
            (r = sd_event_add_signal(m->event, NULL, SIGINT, on_signal, m)) < 0 ||
            (r = sd_event_add_signal(m->event, NULL, SIGTERM, on_signal, m)) < 0 ||
            (r = sd_event_add_time(m->event, &m->placeholder_timer, CLOCK_MONOTONIC, 0, 1000, on_placeholder, m)) < 0 ||
            (r = sd_event_source_set_enabled(m->placeholder_timer, SD_EVENT_OFF)) < 0 ||
            (r = manager_camera_prepare(m)) < 0)
                log_error("the event loop: %s", strerror(-r));
        return r;
}

/* ---- the end ---- */

void manager_stop(struct manager *m, int status)
{
        if (status > m->status)
                m->status = status;
        sd_event_exit(m->event, 0);
}

void manager_status(struct manager *m, const char *format, ...)
{
        char text[PATH_MAX + 200];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        sd_notifyf(false, "STATUS=%s", text);
}

static void write_sheet(struct manager *m, const uint8_t *rgba, const uint8_t *labels)
{
        const struct frame_format *format = sink_format(m->sink);

        int r = sheet_write(m->options->sheet, &m->startup.engine.model, format->width, format->height, rgba, labels);
        if (r < 0) {
                log_error("%s: %s", m->options->sheet, strerror(-r));
                m->status = 1;
        }
}

static void tell(struct manager *m)
{
        _cleanup_(freep) uint8_t *rgba = NULL, *labels = NULL;
        const struct frame_format *format = sink_format(m->sink);
        char line[512];
        int r;

        if (m->pipeline && (m->options->report || m->options->sheet)) {
                r = pipeline_snapshot(m->pipeline, &rgba, &labels);
                if (r < 0 && r != -EAGAIN)
                        log_error("the last frame: %s", strerror(-r));
        }
        struct report report = {
                .engine = m->pipeline ? &m->startup.engine : NULL,
                .stats = &m->stats,
                .camera = m->options->config.camera,
                .virtual_camera = m->options->config.virtual_camera,
                .labels = labels,
                .width = format->width,
                .height = format->height,
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

static void finish(struct manager *m)
{
        manager_camera_finish(m);
        sd_event_source_unref(m->gpu_events);
        sd_event_source_unref(m->starting);
        sd_event_source_unref(m->placeholder_timer);
        pipeline_free(m->pipeline);
        if (m->pipeline)
                engine_close(&m->startup.engine);
        sink_close(m->sink);
        free(m->placeholder);
        sd_event_unref(m->event);
}

int manager_run(const struct options *options)
{
        static struct manager m; /* the start-up thread points into it */

        m = (struct manager){.options = options, .began = stats_now(), .startup.fd = -1};
        int r = prepare(&m);
        if (r == 0 && (r = open_sink(&m)) == 0) {
                manager_show_placeholder(&m, true);
                sd_notify(false, "READY=1");
                if ((r = begin(&m)) == 0)
                        r = sd_event_loop(m.event);
                if (r < 0)
                        log_error("the event loop: %s", strerror(-r));
        }
        sd_notify(false, "STOPPING=1");
        if (m.sink) {
                manager_camera_close(&m);
                tell(&m);
        }
        int status = r < 0 ? 1 : m.status;
        if (m.startup.running) {
                /* The GPU is still opening, which nothing can hurry: what there is of it goes with the process. */
                sink_close(m.sink);
                _exit(status);
        }
        finish(&m);
        return status;
}
