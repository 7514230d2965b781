/* The camera's side of the daemon: open while somebody watches, and opened again whatever happens to it.  Opening and
 * closing take their time, with some USB cameras seconds, and so happen on a thread. */
#define LOG_ROOM "camera"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/bus/bus.h"
#include "daemon/common/cleanup.h"
#include "daemon/service/parts.h"
#include "v4l2/names.h"

/* A camera that says nothing for so long is stuck.  The first frame takes longer, since exposure settles before it. */
#define FIRST_FRAME_USEC 2000000
#define STALL_FRAMES 10
#define STALL_MIN_USEC 500000 /* in the dark a camera is slower than it says */

#define STEADY_NS 2000000000ull /* one that has streamed for so long is well: its next failure is a new one */

/* ---- what is wrong, in few words ---- */

static const struct {
        int error;
        const char *caption, *text; /* text NULL: strerror() */
} troubles[] = {
        {-ENOENT, "camera unplugged", NULL},
        {-ENODEV, "camera unplugged", "the camera is gone"},
        {-ENXIO, "camera unplugged", "the camera is gone"},
        {-EBUSY, "camera in use by another program", NULL},
        {-EACCES, "no permission to use the camera", NULL},
        {-EPERM, "no permission to use the camera", NULL},
        {-ETIMEDOUT, "camera sends no pictures", "the camera sends no pictures"},
        {-EIO, "camera interrupted", "the camera's stream broke"},
};

const char *manager_camera_caption(const struct manager *m)
{
        if (m->camera.error == 0)
                return NULL;
        for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
                if (troubles[i].error == m->camera.error)
                        return troubles[i].caption;
        return "camera fault";
}

static const char *error_text(int error)
{
        for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
                if (troubles[i].error == error && troubles[i].text)
                        return troubles[i].text;
        return strerror(-error);
}

/* ---- a file as a camera ---- */

bool manager_is_finite(const struct manager *m)
{
        return m->options->frames > 0 || name_plays_once(m->config.camera);
}

/* A camera may be plugged in yet; a file that cannot be opened is a mistake, and such a run would wait for ever. */
static bool hopeless(const struct manager *m)
{
        return manager_is_finite(m) && name_of_camera(m->config.camera, NULL) != NAME_NODE;
}

int manager_camera_check(struct manager *m)
{
        const struct camera_wish wish = {.width = m->config.width, .height = m->config.height, .rate = m->config.rate};
        struct camera *camera;
        char why[512];

        if (!hopeless(m))
                return 0;
        int r = camera_open(m->config.camera, &wish, &camera, why, sizeof why);
        if (r < 0)
                log_error("%s", why);
        else
                camera_close(camera);
        return r;
}

/* ---- states ---- */

bool manager_camera_wanted(const struct manager *m)
{
        return m->gpu.state == GPU_READY && m->sink.state == SINK_OPEN && !m->ending && !m->paused && !m->stopped &&
               (m->sink.watched || m->config.always_on || bus_holds(m->bus) > 0);
}

static bool is_open(const struct manager *m)
{
        return m->camera.state == CAMERA_STARTING || m->camera.state == CAMERA_STREAMING;
}

static void set_state(struct manager *m, enum camera_state state)
{
        m->camera.state = state;
        m->camera.since = stats_now();
}

static void arm_stall(struct manager *m)
{
        struct frame_rate rate = camera_rate(m->camera.camera);
        uint64_t limit = FIRST_FRAME_USEC;

        if (m->camera.state == CAMERA_STREAMING) {
                limit = rate.numerator ? STALL_FRAMES * 1000000ull * rate.denominator / rate.numerator : 0;
                limit = limit < STALL_MIN_USEC ? STALL_MIN_USEC : limit;
        }
        sd_event_source_set_time_relative(m->camera.stall, limit);
        sd_event_source_set_enabled(m->camera.stall, SD_EVENT_ONESHOT);
}

static void stop_listening(struct manager *m)
{
        sd_event_source_set_enabled(m->camera.frames, SD_EVENT_OFF);
        sd_event_source_set_enabled(m->camera.stall, SD_EVENT_OFF);
}

void manager_camera_listen(struct manager *m)
{
        if (!is_open(m) || m->ending)
                return;
        sd_event_source_set_enabled(m->camera.frames, SD_EVENT_ON);
        arm_stall(m);
}

/* ---- closing ---- */

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata);

static void add_counters(struct manager *m)
{
        const struct camera_counters *counters = camera_counters(m->camera.camera);

        m->stats.captured += counters->captured;
        m->stats.stale += counters->stale;
        m->stats.corrupt += counters->corrupt;
        m->stats.lost += counters->lost;
}

/* Everything but the descriptor itself. */
static void detach(struct manager *m)
{
        sd_event_source_set_enabled(m->camera.stall, SD_EVENT_OFF);
        m->camera.frames = sd_event_source_disable_unref(m->camera.frames);
        add_counters(m);
        if (m->gpu.state == GPU_READY)
                pipeline_forget(m->gpu.now->pipeline);
        manager_sink_placeholder(m);
        manager_results_end(m);
}

static void close_task(void *userdata)
{
        struct manager *m = userdata;

        camera_close(m->camera.camera);
}

static int begin(struct manager *m, void (*run)(void *userdata))
{
        int r = task_begin(&m->camera.task, run, m);
        if (r == 0 && sd_event_add_io(m->event, &m->camera.done, m->camera.task.fd, EPOLLIN, on_done, m) < 0)
                on_done(NULL, -1, 0, m); /* out of memory: waited for here */
        return r;
}

static void closed(struct manager *m)
{
        m->camera.camera = NULL;
        if (!manager_camera_wanted(m)) {
                m->camera.error = 0;
                m->camera.lost = false;
        }
        if (m->camera.error == 0) {
                set_state(m, CAMERA_CLOSED);
                return;
        }
        set_state(m, CAMERA_WAITING);
        sd_event_source_set_time_relative(m->camera.retry, backoff_next(&m->camera.backoff));
        sd_event_source_set_enabled(m->camera.retry, SD_EVENT_ONESHOT);
}

static void close_camera(struct manager *m)
{
        if (m->camera.state == CAMERA_STREAMING && stats_now() - m->camera.since > STEADY_NS)
                backoff_reset(&m->camera.backoff);
        detach(m);
        set_state(m, CAMERA_CLOSING);
        if (begin(m, close_task) < 0) {
                close_task(m);
                closed(m);
        }
}

/* "y4m:FILE?once" says -ENODEV at its end, which then is no fault. */
static void lost(struct manager *m, int error)
{
        if (error == -ENODEV && name_plays_once(m->config.camera)) {
                stop_listening(m);
                m->ending = true;
                if (pipeline_ready(m->gpu.now->pipeline))
                        manager_stop(m, 0);
                return;
        }
        log_cause(&m->camera.cause, "%s: %s; trying to open it again", camera_name(m->camera.camera),
                  error_text(error));
        m->camera.error = error;
        m->camera.lost |= m->camera.state == CAMERA_STREAMING;
        close_camera(m);
        manager_update(m);
}

static int on_stall(sd_event_source *source, uint64_t usec, void *userdata)
{
        lost(userdata, -ETIMEDOUT);
        return 0;
}

/* ---- frames ---- */

static void first_frame(struct manager *m)
{
        struct camera *camera = m->camera.camera;
        const struct frame_format *format = camera_format(camera);
        struct frame_rate rate = camera_rate(camera);

        set_state(m, CAMERA_STREAMING);
        m->camera.error = 0;
        m->stats.reopened += m->camera.lost;
        m->camera.lost = false;
        log_cause_end(&m->camera.cause, "the camera is there");
        log_info("camera: %s, %s %ux%u, %.4g/s", camera_name(camera), frame_fourcc_name(format->fourcc), format->width,
                 format->height, rate.denominator ? (double)rate.numerator / rate.denominator : 0);
        manager_update(m);
}

/* While a frame is under way the driver keeps the next ones, and the newest wins: the source is off.  It is also turned
 * off and on where it could have stayed on: v4l2loopback 0.12's poll() does not put the caller on its wait queue when
 * there is a frame already, so that an epoll set which was told of that one never hears of another. */
static int on_frames(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct manager *m = userdata;
        struct frame frame;

        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (!pipeline_ready(m->gpu.now->pipeline)) {
                stop_listening(m);
                return 0;
        }
        int r = camera_next(m->camera.camera, &frame);
        if (r == -EAGAIN) { /* nothing that can be used: the stall goes on */
                sd_event_source_set_enabled(source, SD_EVENT_ON);
                return 0;
        }
        if (r < 0) {
                lost(m, r);
                return 0;
        }
        stop_listening(m);
        if (m->camera.state == CAMERA_STARTING)
                first_frame(m);
        pipeline_push(m->gpu.now->pipeline, &frame); /* says by itself when it fails */
        if (!is_open(m))
                return 0;
        r = camera_release(m->camera.camera, &frame);
        if (r < 0)
                lost(m, r);
        return 0;
}

/* ---- opening ---- */

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

/* The camera that was open before, by its identity: another may have its number now.  Where any will do, any does. */
static void name_camera(struct manager *m)
{
        const char *spec = m->config.camera;
        char link[sizeof BY_ID + sizeof m->camera.id];

        snprintf(link, sizeof link, BY_ID "%s", m->camera.id);
        if (m->camera.id[0] && (spec[0] || access(link, F_OK) == 0))
                snprintf(m->camera.spec, sizeof m->camera.spec, "%s", link);
        else
                snprintf(m->camera.spec, sizeof m->camera.spec, "%s", spec);
}

static void open_task(void *userdata)
{
        struct manager *m = userdata;
        struct camera_room *c = &m->camera;

        c->result = c->spec[0] ? 0 : choose(c->spec, sizeof c->spec, c->why, sizeof c->why);
        if (c->result < 0)
                return;
        c->result = camera_open(c->spec, &c->wish, &c->camera, c->why, sizeof c->why);
        if (c->result < 0)
                return;
        c->result = camera_start(c->camera);
        if (c->result < 0) {
                snprintf(c->why, sizeof c->why, "%.200s does not start: %s", c->spec, strerror(-c->result));
                camera_close(c->camera);
        }
}

/* An error: the camera is open, but of no use; or it is closing, since the GPU was found lost meanwhile. */
static int attach(struct manager *m)
{
        struct camera_room *c = &m->camera;
        const struct frame_format format = *camera_format(c->camera);

        int r = pipeline_source(m->gpu.now->pipeline, &format);
        if (r < 0)
                snprintf(c->why, sizeof c->why, "%.200s: its pictures (%s) cannot be used: %s", c->spec,
                         frame_fourcc_name(format.fourcc), strerror(-r));
        else if (!c->frames && (r = sd_event_add_io(m->event, &c->frames, camera_fd(c->camera), EPOLLIN | EPOLLPRI,
                                                    on_frames, m)) < 0)
                snprintf(c->why, sizeof c->why, "%.200s: the event loop: %s", c->spec, strerror(-r));
        return r;
}

static void not_opened(struct manager *m, int error)
{
        m->camera.error = error;
        if (hopeless(m)) {
                log_error("%s", m->camera.why);
                manager_stop(m, 1);
                return;
        }
        log_cause(&m->camera.cause, "%s; trying again every second", m->camera.why);
}

void manager_camera_attach(struct manager *m)
{
        if (!is_open(m))
                return;
        int r = attach(m);
        if (r == 0) {
                manager_camera_listen(m);
        } else if (is_open(m)) {
                not_opened(m, r);
                close_camera(m);
        }
}

static void opened(struct manager *m)
{
        struct camera_room *c = &m->camera;
        int r = 0;

        bool stale = c->stale;

        c->stale = false;
        if (c->result < 0) {
                if (!stale)
                        not_opened(m, c->result);
                closed(m);
                return;
        }
        set_state(m, CAMERA_STARTING);
        if (!stale)
                snprintf(c->id, sizeof c->id, "%s", camera_id(c->camera));
        if (!stale && manager_camera_wanted(m))
                r = attach(m);
        if (c->state != CAMERA_STARTING)
                return;
        if (r < 0)
                not_opened(m, r);
        if (r < 0 || stale || !manager_camera_wanted(m))
                close_camera(m);
        else
                manager_camera_listen(m);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct manager *m = userdata;
        bool opening = m->camera.state == CAMERA_OPENING;

        m->camera.done = sd_event_source_disable_unref(m->camera.done);
        task_finish(&m->camera.task);
        if (opening)
                opened(m);
        else
                closed(m);
        manager_update(m);
        return 0;
}

static void open_camera(struct manager *m)
{
        const struct config *config = &m->config;
        struct camera_room *c = &m->camera;

        name_camera(m);
        c->wish = (struct camera_wish){.width = config->width, .height = config->height, .rate = config->rate};
        set_state(m, CAMERA_OPENING);
        int r = begin(m, open_task);
        if (r < 0) {
                snprintf(c->why, sizeof c->why, "the camera cannot be opened: %s", strerror(-r));
                not_opened(m, r);
                closed(m);
        }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        if (m->camera.state == CAMERA_WAITING)
                open_camera(m);
        return 0;
}

void manager_camera_update(struct manager *m)
{
        struct camera_room *c = &m->camera;

        if (manager_camera_wanted(m)) {
                if (c->state == CAMERA_CLOSED) {
                        backoff_reset(&c->backoff);
                        open_camera(m);
                }
        } else if (is_open(m) && !m->ending) {
                close_camera(m);
        } else if (c->state == CAMERA_WAITING) {
                sd_event_source_set_enabled(c->retry, SD_EVENT_OFF);
                closed(m);
        }
}

void manager_camera_reopen(struct manager *m)
{
        if (m->camera.state == CAMERA_WAITING) {
                sd_event_source_set_enabled(m->camera.retry, SD_EVENT_OFF);
                m->camera.error = 0;
                closed(m);
        } else if (is_open(m)) {
                close_camera(m);
        }
        manager_update(m);
}

void manager_camera_choose(struct manager *m, const char *spec)
{
        snprintf(m->config.camera, sizeof m->config.camera, "%s", spec);
        m->camera.id[0] = '\0';
        m->camera.error = 0;
        m->camera.lost = false;
        m->camera.stale = m->camera.state == CAMERA_OPENING;
        manager_camera_reopen(m);
}

/* ---- begin and end ---- */

int manager_camera_prepare(struct manager *m)
{
        struct camera_room *c = &m->camera;
        int r;

        c->task = TASK_NONE;
        c->cause.trouble = LOG_CAMERA;
        if ((r = sd_event_add_time(m->event, &c->retry, CLOCK_MONOTONIC, 0, 1000, on_retry, m)) < 0 ||
            (r = sd_event_add_time(m->event, &c->stall, CLOCK_MONOTONIC, 0, 1000, on_stall, m)) < 0 ||
            (r = sd_event_source_set_enabled(c->retry, SD_EVENT_OFF)) < 0 ||
            /* After frames: where the loop was late, both may be due. */
            (r = sd_event_source_set_priority(c->stall, SD_EVENT_PRIORITY_NORMAL + 1)) < 0)
                return r;
        return sd_event_source_set_enabled(c->stall, SD_EVENT_OFF);
}

void manager_camera_close(struct manager *m)
{
        struct camera_room *c = &m->camera;

        c->done = sd_event_source_disable_unref(c->done);
        task_finish(&c->task);
        if (is_open(m))
                detach(m);
        if (is_open(m) || (c->state == CAMERA_OPENING && c->result == 0))
                camera_close(c->camera);
        c->camera = NULL;
        set_state(m, CAMERA_CLOSED);
}

void manager_camera_finish(struct manager *m)
{
        m->camera.retry = sd_event_source_unref(m->camera.retry);
        m->camera.stall = sd_event_source_unref(m->camera.stall);
}
