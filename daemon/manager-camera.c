/* The camera's side of the daemon: opened when the pipeline is there, and again every second while it is not.
 * Supervision proper comes later: this is its place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/cleanup.h"
#include "daemon/manager-private.h"

#define RETRY_USEC 1000000

/* "y4m:FILE?once" says -ENODEV at its end, which then is no fault. */
static bool plays_once(const char *spec)
{
        size_t n = strlen(spec);

        return strncmp(spec, "y4m:", 4) == 0 && n > 5 && strcmp(spec + n - 5, "?once") == 0;
}

/* The first camera that is not a loopback node: one of those is the virtual camera itself. */
static int choose(char *ret, size_t size, char *why, size_t why_size)
{
        _cleanup_(freep) struct camera_info *list = NULL;

        int n = camera_list(&list);
        for (int i = 0; i < n; i++)
                if (list[i].card[0] && strcmp(list[i].driver, "v4l2 loopback") != 0) {
                        snprintf(ret, size, "%s", list[i].node);
                        return 0;
                }
        snprintf(why, why_size, "there is no camera; \"visagectl cameras\" lists what can be seen");
        return -ENOENT;
}

void manager_camera_close(struct manager *m)
{
        if (!m->camera)
                return;
        const struct camera_counters *counters = camera_counters(m->camera);
        m->stats.captured += counters->captured;
        m->stats.stale += counters->stale;
        m->stats.corrupt += counters->corrupt;
        m->stats.lost += counters->lost;
        m->camera_events = sd_event_source_disable_unref(m->camera_events);
        pipeline_forget(m->pipeline);
        camera_close(m->camera);
        m->camera = NULL;
}

static void retry(struct manager *m)
{
        manager_camera_close(m);
        manager_show_placeholder(m, true);
        sd_event_source_set_time_relative(m->camera_timer, RETRY_USEC);
        sd_event_source_set_enabled(m->camera_timer, SD_EVENT_ONESHOT);
}

static void lost(struct manager *m, int error)
{
        const char *spec = m->options->config.camera;

        if (error == -ENODEV && plays_once(spec)) {
                sd_event_source_set_enabled(m->camera_events, SD_EVENT_OFF);
                m->ending = true;
                if (pipeline_ready(m->pipeline))
                        manager_stop(m, 0);
                return;
        }
        log_cause(&m->camera_cause, LOG_WARNING, "%s: %s; trying again every second", camera_name(m->camera),
                  error == -ENODEV ? "the camera is gone" : strerror(-error));
        manager_status(m, "no camera: %s", m->camera_cause.text);
        retry(m);
}

/* While a frame is under way the driver keeps the next ones, and the newest wins: the source is off.  It is also turned
 * off and on where it could have stayed on: v4l2loopback 0.12's poll() does not put the caller on its wait queue when
 * there is a frame already, so that an epoll set which was told of that one never hears of another. */
static int on_camera(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct manager *m = userdata;
        struct frame frame;

        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (!pipeline_ready(m->pipeline))
                return 0;
        int r = camera_next(m->camera, &frame);
        if (r == -EAGAIN) {
                sd_event_source_set_enabled(source, SD_EVENT_ON);
                return 0;
        }
        if (r < 0) {
                lost(m, r);
                return 0;
        }
        pipeline_push(m->pipeline, &frame); /* says by itself when it fails */
        r = camera_release(m->camera, &frame);
        if (r < 0)
                lost(m, r);
        return 0;
}

void manager_camera_wanted(struct manager *m)
{
        if (m->camera_events && !m->ending)
                sd_event_source_set_enabled(m->camera_events, SD_EVENT_ON);
}

static int open_camera(struct manager *m, char *why, size_t why_size)
{
        const struct config *config = &m->options->config;
        const struct camera_wish wish = {.width = config->width, .height = config->height, .rate = config->rate};
        char node[PATH_MAX];
        int r;

        snprintf(node, sizeof node, "%s", config->camera);
        if (!node[0] && (r = choose(node, sizeof node, why, why_size)) < 0)
                return r;
        if ((r = camera_open(node, &wish, &m->camera, why, why_size)) < 0)
                return r;
        if ((r = pipeline_source(m->pipeline, camera_format(m->camera))) < 0) {
                snprintf(why, why_size, "%.200s: its pictures (%s) cannot be used: %s", node,
                         frame_fourcc_name(camera_format(m->camera)->fourcc), strerror(-r));
                return r;
        }
        if ((r = camera_start(m->camera)) < 0) {
                snprintf(why, why_size, "%.200s does not start: %s", node, strerror(-r));
                return r;
        }
        r = sd_event_add_io(m->event, &m->camera_events, camera_fd(m->camera), EPOLLIN, on_camera, m);
        if (r < 0)
                snprintf(why, why_size, "%.200s: the event loop: %s", node, strerror(-r));
        return r;
}

void manager_camera_open(struct manager *m)
{
        char why[512];

        if (open_camera(m, why, sizeof why) < 0) {
                log_cause(&m->camera_cause, LOG_WARNING, "%s; trying again every second", why);
                manager_status(m, "no camera: %s", why);
                retry(m);
                return;
        }
        const struct frame_format *format = camera_format(m->camera);
        struct frame_rate rate = camera_rate(m->camera);
        log_cause_end(&m->camera_cause, "the camera is there");
        log_info("camera: %s, %s %ux%u, %.4g/s", camera_name(m->camera), frame_fourcc_name(format->fourcc),
                 format->width, format->height, rate.denominator ? (double)rate.numerator / rate.denominator : 0);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        manager_camera_open(userdata);
        return 0;
}

int manager_camera_prepare(struct manager *m)
{
        int r = sd_event_add_time(m->event, &m->camera_timer, CLOCK_MONOTONIC, 0, 0, on_retry, m);
        if (r == 0)
                r = sd_event_source_set_enabled(m->camera_timer, SD_EVENT_OFF);
        return r;
}

void manager_camera_finish(struct manager *m)
{
        manager_camera_close(m);
        sd_event_source_unref(m->camera_timer);
}
