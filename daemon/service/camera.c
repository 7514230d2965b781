/* The camera: open while somebody watches, and reopened whenever it fails.  Opening and closing happen on a thread,
 * because they take seconds with some USB cameras. */
#define LOG_COMPONENT "camera"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/bus/bus.h"
#include "daemon/service/parts.h"
#include "v4l2/names.h"

/* A camera that sends nothing for this long is stuck.  The first frame takes longer, because exposure settles first. */
#define FIRST_FRAME_USEC 2000000
#define STALL_FRAMES 10
#define STALL_MIN_USEC 500000 /* in the dark, cameras are slower than they say */

/* Between attempts while it is unplugged, if we are told when it is plugged in. */
#define UNPLUGGED_USEC 10000000

#define STEADY_NS 2000000000ull /* after streaming this long, a failure is a new one */

/* ---- states ---- */

bool supervisor_camera_wanted(const struct supervisor *sv)
{
        return sv->gpu.state == GPU_READY && supervisor_output_first(sv) && !sv->ending && !sv->paused &&
               !sv->stopped && (sv->output.watched || sv->config.always_on || bus_holds(sv->bus) > 0);
}

static bool is_open(const struct supervisor *sv)
{
        return sv->camera.state == CAMERA_STARTING || sv->camera.state == CAMERA_STREAMING;
}

static void set_state(struct supervisor *sv, enum camera_state state)
{
        sv->camera.state = state;
        sv->camera.since = stats_now();
}

static void arm_stall(struct supervisor *sv)
{
        struct frame_rate rate = camera_rate(sv->camera.camera);
        uint64_t limit = FIRST_FRAME_USEC;

        if (sv->camera.state == CAMERA_STREAMING) {
                limit = rate.numerator ? STALL_FRAMES * 1000000ull * rate.denominator / rate.numerator : 0;
                limit = limit < STALL_MIN_USEC ? STALL_MIN_USEC : limit;
        }
        sd_event_source_set_time_relative(sv->camera.stall, limit);
        sd_event_source_set_enabled(sv->camera.stall, SD_EVENT_ONESHOT);
}

static void stop_listening(struct supervisor *sv)
{
        sd_event_source_set_enabled(sv->camera.frames, SD_EVENT_OFF);
        sd_event_source_set_enabled(sv->camera.stall, SD_EVENT_OFF);
}

void supervisor_camera_listen(struct supervisor *sv)
{
        if (!is_open(sv) || sv->ending)
                return;
        sd_event_source_set_enabled(sv->camera.frames, SD_EVENT_ON);
        arm_stall(sv);
}

/* ---- closing ---- */

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata);

static void add_counters(struct supervisor *sv)
{
        const struct camera_counters *counters = camera_counters(sv->camera.camera);

        sv->stats.captured += counters->captured;
        sv->stats.stale += counters->stale;
        sv->stats.corrupt += counters->corrupt;
        sv->stats.lost += counters->lost;
}

/* Releases everything except the camera itself. */
static void detach(struct supervisor *sv)
{
        sd_event_source_set_enabled(sv->camera.stall, SD_EVENT_OFF);
        sv->camera.frames = sd_event_source_disable_unref(sv->camera.frames);
        sv->camera.keeps = false;
        add_counters(sv);
        if (sv->gpu.state == GPU_READY)
                pipeline_reset(sv->gpu.now->pipeline);
        supervisor_playout_drop(sv);
        supervisor_outputs_placeholder(sv);
        supervisor_results_end(sv);
}

static void close_task(void *userdata)
{
        struct supervisor *sv = userdata;

        camera_close(sv->camera.camera);
}

static int begin(struct supervisor *sv, void (*run)(void *userdata))
{
        int r = task_begin(&sv->camera.task, run, sv);
        if (r == 0 && sd_event_add_io(sv->event, &sv->camera.done, sv->camera.task.fd, EPOLLIN, on_done, sv) < 0)
                on_done(NULL, -1, 0, sv); /* out of memory: wait for it here */
        return r;
}

static void wait_for(struct supervisor *sv, uint64_t usec)
{
        sd_event_source_set_time_relative(sv->camera.retry, usec);
        sd_event_source_set_enabled(sv->camera.retry, SD_EVENT_ONESHOT);
}

static int on_plugged(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct supervisor *sv = userdata;

        if (camera_watch_heard(fd) && sv->camera.state == CAMERA_WAITING) {
                backoff_reset(&sv->camera.backoff); /* its name in by-id appears a moment after the node */
                wait_for(sv, 0);
        }
        return 0;
}

static void closed(struct supervisor *sv)
{
        sv->camera.camera = NULL;
        if (!supervisor_camera_wanted(sv)) {
                sv->camera.error = 0;
                sv->camera.lost = false;
        }
        if (sv->camera.error == 0) {
                set_state(sv, CAMERA_CLOSED);
                return;
        }
        set_state(sv, CAMERA_WAITING);
        uint64_t usec = backoff_next(&sv->camera.backoff);
        wait_for(sv, usec == BACKOFF_LONGEST && supervisor_camera_awaits_plug(sv) ? UNPLUGGED_USEC : usec);
}

static void close_camera(struct supervisor *sv)
{
        if (sv->camera.state == CAMERA_STREAMING && stats_now() - sv->camera.since > STEADY_NS)
                backoff_reset(&sv->camera.backoff);
        detach(sv);
        set_state(sv, CAMERA_CLOSING);
        if (begin(sv, close_task) < 0) {
                close_task(sv);
                closed(sv);
        }
}

/* "y4m:FILE?once" ends with -ENODEV, which is not a fault then. */
static void lost(struct supervisor *sv, int error)
{
        if (error == -ENODEV && name_plays_once(sv->config.camera)) {
                stop_listening(sv);
                sv->ending = true;
                sv->update(sv);
                return;
        }
        log_cause(&sv->camera.cause, "%s: %s; trying to open it again", camera_name(sv->camera.camera),
                  supervisor_camera_error(error));
        sv->camera.error = error;
        sv->camera.lost |= sv->camera.state == CAMERA_STREAMING;
        close_camera(sv);
        sv->update(sv);
}

static int on_stall(sd_event_source *source, uint64_t usec, void *userdata)
{
        lost(userdata, -ETIMEDOUT);
        return 0;
}

/* ---- frames ---- */

static void first_frame(struct supervisor *sv)
{
        struct camera *camera = sv->camera.camera;
        const struct frame_format *format = camera_format(camera);
        struct frame_rate rate = camera_rate(camera);

        set_state(sv, CAMERA_STREAMING);
        sv->camera.error = 0;
        sv->stats.reopened += sv->camera.lost;
        sv->camera.lost = false;
        log_cause_end(&sv->camera.cause, "the camera is available");
        log_info("camera: %s, %s %ux%u, %.4g/s, frames %s", camera_name(camera), frame_fourcc_name(format->fourcc),
                 format->width, format->height, rate.denominator ? (double)rate.numerator / rate.denominator : 0,
                 pipeline_intake(sv->gpu.now->pipeline));
}

/* Its buffer goes to the driver. */
static int give_back(struct supervisor *sv)
{
        if (!sv->camera.keeps)
                return 0;
        sv->camera.keeps = false;
        return camera_release(sv->camera.camera, &sv->camera.frame);
}

void supervisor_camera_take_back(struct supervisor *sv)
{
        int r = give_back(sv);
        if (r < 0)
                lost(sv, r);
}

/* While no slot is free, the source is off: the driver keeps the next frames, and the newest wins.  It is also turned
 * off and on where it could have stayed on.  The poll() of v4l2loopback 0.12 does not put the caller on its wait queue
 * if there is a frame already, so an epoll set that was told of that frame never hears of another. */
static int on_frames(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct supervisor *sv = userdata;
        struct frame frame;

        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (!pipeline_ready(sv->gpu.now->pipeline)) {
                stop_listening(sv);
                return 0;
        }
        int r = camera_next(sv->camera.camera, &frame);
        if (r == -EAGAIN) { /* nothing usable: the stall timer keeps running */
                sd_event_source_set_enabled(source, SD_EVENT_ON);
                return 0;
        }
        if (r < 0) {
                lost(sv, r);
                return 0;
        }
        stop_listening(sv);
        const bool first = sv->camera.state == CAMERA_STARTING;
        if (first)
                first_frame(sv);
        if (pipeline_push(sv->gpu.now->pipeline, &frame) > 0) { /* it reports its failure itself */
                sv->camera.frame = frame;
                sv->camera.keeps = true;
        } else {
                r = camera_release(sv->camera.camera, &frame);
        }
        if (r < 0) {
                lost(sv, r);
                return 0;
        }
        if (pipeline_ready(sv->gpu.now->pipeline))
                supervisor_camera_listen(sv);
        if (first)
                sv->update(sv);
        return 0;
}

/* ---- opening ---- */

/* On an error, the camera is open but cannot be used, or the GPU was lost meanwhile. */
static int attach(struct supervisor *sv)
{
        struct camera_part *c = &sv->camera;

        give_back(sv); /* what another pipeline still reads will not be shown; camera_next() tells of an error */
        int r = pipeline_source(sv->gpu.now->pipeline, &c->format, camera_memory(c->camera));
        if (r < 0)
                snprintf(c->why, sizeof c->why, "%.200s: its pictures (%s) cannot be used: %s", c->spec,
                         frame_fourcc_name(c->format.fourcc), strerror(-r));
        else if (!c->frames && (r = sd_event_add_io(sv->event, &c->frames, camera_fd(c->camera), EPOLLIN | EPOLLPRI,
                                                    on_frames, sv)) < 0)
                snprintf(c->why, sizeof c->why, "%.200s: the event loop: %s", c->spec, strerror(-r));
        return r;
}

static void not_opened(struct supervisor *sv, int error)
{
        sv->camera.error = error;
        if (supervisor_camera_is_hopeless(sv)) {
                log_error("%s", sv->camera.why);
                sv->stop(sv, 1);
                return;
        }
        log_cause(&sv->camera.cause, "%s; trying again", sv->camera.why);
}

/* Whether attach() need not compile anything.  It would have to if the GPU was switched while the camera was opened. */
static bool is_prepared(const struct supervisor *sv)
{
        struct gpu_set *set = sv->gpu.now;

        pthread_mutex_lock(&set->lock);
        bool same = frame_format_equal(&set->source, &sv->camera.format);
        pthread_mutex_unlock(&set->lock);
        return same;
}

/* If it is not prepared, the camera is opened again, on the thread that prepares it. */
void supervisor_camera_attach(struct supervisor *sv)
{
        if (!is_open(sv))
                return;
        if (!is_prepared(sv)) {
                close_camera(sv);
                return;
        }
        int r = attach(sv);
        if (r == 0) {
                supervisor_camera_listen(sv);
        } else if (supervisor_camera_wanted(sv)) { /* so the GPU was not lost */
                not_opened(sv, r);
                close_camera(sv);
        }
}

static void opened(struct supervisor *sv)
{
        struct camera_part *c = &sv->camera;
        int r = 0;

        bool stale = c->stale;

        c->stale = false;
        if (c->result < 0) {
                if (!stale)
                        not_opened(sv, c->result);
                closed(sv);
                return;
        }
        set_state(sv, CAMERA_STARTING);
        c->format = *camera_format(c->camera);
        if (!stale)
                snprintf(c->id, sizeof c->id, "%s", camera_id(c->camera));
        stale = stale || !is_prepared(sv);
        if (!stale && supervisor_camera_wanted(sv))
                r = attach(sv);
        if (r < 0 && supervisor_camera_wanted(sv)) /* so the GPU was not lost */
                not_opened(sv, r);
        if (r < 0 || stale || !supervisor_camera_wanted(sv))
                close_camera(sv);
        else
                supervisor_camera_listen(sv);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct supervisor *sv = userdata;
        bool opening = sv->camera.state == CAMERA_OPENING;

        sv->camera.done = sd_event_source_disable_unref(sv->camera.done);
        task_finish(&sv->camera.task);
        if (opening)
                opened(sv);
        else
                closed(sv);
        sv->update(sv);
        return 0;
}

static void open_camera(struct supervisor *sv)
{
        struct camera_part *c = &sv->camera;

        supervisor_camera_plan(sv);
        set_state(sv, CAMERA_OPENING);
        int r = begin(sv, supervisor_camera_open);
        if (r < 0) {
                snprintf(c->why, sizeof c->why, "the camera cannot be opened: %s", strerror(-r));
                not_opened(sv, r);
                closed(sv);
        }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;

        if (sv->camera.state == CAMERA_WAITING)
                open_camera(sv);
        return 0;
}

void supervisor_camera_update(struct supervisor *sv)
{
        struct camera_part *c = &sv->camera;

        if (supervisor_camera_wanted(sv)) {
                if (c->state == CAMERA_CLOSED) {
                        backoff_reset(&c->backoff);
                        open_camera(sv);
                }
        } else if (is_open(sv) && !sv->ending) {
                close_camera(sv);
        } else if (c->state == CAMERA_WAITING) {
                sd_event_source_set_enabled(c->retry, SD_EVENT_OFF);
                closed(sv);
        }
}

void supervisor_camera_reopen(struct supervisor *sv)
{
        if (sv->camera.state == CAMERA_WAITING) {
                sd_event_source_set_enabled(sv->camera.retry, SD_EVENT_OFF);
                sv->camera.error = 0;
                closed(sv);
        } else if (is_open(sv)) {
                close_camera(sv);
        }
        sv->update(sv);
}

void supervisor_camera_choose(struct supervisor *sv, const char *spec)
{
        snprintf(sv->config.camera, sizeof sv->config.camera, "%s", spec);
        sv->camera.id[0] = '\0';
        sv->camera.error = 0;
        sv->camera.lost = false;
        sv->camera.stale = sv->camera.state == CAMERA_OPENING;
        supervisor_camera_reopen(sv);
}

/* ---- begin and end ---- */

/* Without it, a new camera is found by trying again. */
static void listen_for_plugs(struct supervisor *sv)
{
        int fd = camera_watch();

        if (fd < 0)
                return;
        if (sd_event_add_io(sv->event, &sv->camera.plugged, fd, EPOLLIN, on_plugged, sv) < 0)
                close(fd);
        else
                sd_event_source_set_io_fd_own(sv->camera.plugged, true);
}

int supervisor_camera_prepare(struct supervisor *sv)
{
        struct camera_part *c = &sv->camera;
        int r;

        c->task = TASK_NONE;
        c->cause.trouble = LOG_CAMERA;
        listen_for_plugs(sv);
        if ((r = sd_event_add_time(sv->event, &c->retry, CLOCK_MONOTONIC, 0, 1000, on_retry, sv)) < 0 ||
            (r = sd_event_add_time(sv->event, &c->stall, CLOCK_MONOTONIC, 0, 1000, on_stall, sv)) < 0 ||
            (r = sd_event_source_set_enabled(c->retry, SD_EVENT_OFF)) < 0 ||
            /* After frames: if the loop was late, both may be due. */
            (r = sd_event_source_set_priority(c->stall, SD_EVENT_PRIORITY_NORMAL + 1)) < 0)
                return r;
        return sd_event_source_set_enabled(c->stall, SD_EVENT_OFF);
}

void supervisor_camera_close(struct supervisor *sv)
{
        struct camera_part *c = &sv->camera;

        c->done = sd_event_source_disable_unref(c->done);
        task_finish(&c->task);
        if (is_open(sv))
                detach(sv);
        if (is_open(sv) || (c->state == CAMERA_OPENING && c->result == 0))
                camera_close(c->camera);
        c->camera = NULL;
        set_state(sv, CAMERA_CLOSED);
}

void supervisor_camera_finish(struct supervisor *sv)
{
        sv->camera.plugged = sd_event_source_unref(sv->camera.plugged);
        sv->camera.retry = sd_event_source_unref(sv->camera.retry);
        sv->camera.stall = sd_event_source_unref(sv->camera.stall);
}
