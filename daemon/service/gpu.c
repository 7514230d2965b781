/* The GPU: the engine and the pipeline, which are opened on a thread because that takes seconds, and much longer on the
 * first run.  A lost GPU is reopened up to twice.  Then the process exits, and the service manager restarts it. */
#define LOG_COMPONENT "gpu"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/service/parts.h"

#define TRIES 2
#define STEADY_NS 60000000000ull /* a GPU that has worked this long has recovered */

/* ---- the pipeline's events ---- */

static void on_show(void *userdata, const uint8_t *frame, uint64_t time_ns)
{
        struct supervisor *sv = userdata;

        if (sv->gpu.state == GPU_READY)
                supervisor_playout_take(sv, frame, time_ns);
}

static void on_parsed(void *userdata, const struct pipeline_results *results)
{
        struct supervisor *sv = userdata;

        if (sv->gpu.state == GPU_READY)
                supervisor_results_take(sv, results);
}

static void on_ready(void *userdata)
{
        struct supervisor *sv = userdata;

        if (sv->ending)
                sv->update(sv);
        supervisor_camera_listen(sv);
}

static void on_read(void *userdata)
{
        supervisor_camera_take_back(userdata);
}

static void set_state(struct supervisor *sv, enum gpu_state state)
{
        sv->gpu.state = state;
        sv->gpu.since = stats_now();
}

/* on_lost() does the rest from the event loop, because this may be called in the middle of anything that uses the
 * pipeline, such as the camera passing a frame. */
static void lose(struct supervisor *sv)
{
        set_state(sv, GPU_LOST);
        sv->gpu.events = sd_event_source_disable_unref(sv->gpu.events);
        sd_event_source_set_enabled(sv->gpu.lost, SD_EVENT_ONESHOT);
}

static void on_failed(void *userdata, int error)
{
        struct supervisor *sv = userdata;
        struct gpu_part *g = &sv->gpu;

        if (g->state != GPU_READY)
                return;
        if (stats_now() - g->since > STEADY_NS)
                g->losses = 0;
        g->was_lost |= error == -ENODEV;
        log_cause(&g->cause, "the GPU failed: %s", error == -ENODEV ? "it is lost" : strerror(-error));
        lose(sv);
}

static int on_gpu(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct supervisor *sv = userdata;

        int r = gpu_dispatch(sv->gpu.now->engine.gpu);
        if (r < 0)
                on_failed(sv, r);
        return 0;
}

/* ---- on the thread ---- */

static void on_progress(void *userdata, const char *what, double seconds)
{
        log_info("%s (%.1f s)", what, seconds);
}

static void close_set(struct gpu_set *set)
{
        pthread_mutex_lock(&set->lock);
        if (set->pipeline) {
                pipeline_free(set->pipeline);
                engine_close(&set->engine);
                set->pipeline = NULL;
        }
        pthread_mutex_unlock(&set->lock);
}

_Static_assert((int)CONFIG_FACES_MAX == (int)FACES_MAX, "as many as can be followed");

static int open_pipeline(struct supervisor *sv, struct gpu_set *set)
{
        const struct pipeline_options options = {
                .engine = &set->engine,
                .sink = &set->format,
                .effect = sv->gpu.wish.effect,
                .mode = sv->gpu.wish.mode,
                .label_age_ms = sv->gpu.wish.label_age_ms,
                .faces = {sv->config.faces, sv->config.face_born_ms, sv->config.face_gone_ms}, /* fixed at the start */
                .stats = &sv->stats,
                .events = {.show = on_show,
                           .parsed = on_parsed,
                           .ready = on_ready,
                           .read = on_read,
                           .failed = on_failed,
                           .userdata = sv},
        };
        uint64_t since = stats_now();
        struct pipeline *pipeline;

        int r = pipeline_new(&options, &pipeline, sv->gpu.why, sizeof sv->gpu.why);
        if (r < 0)
                return r;
        if (sv->gpu.source.width)
                pipeline_prepare_source(pipeline, &sv->gpu.source); /* pipeline_source() will report errors */
        pthread_mutex_lock(&set->lock);
        set->pipeline = pipeline;
        set->source = sv->gpu.source;
        pthread_mutex_unlock(&set->lock);
        on_progress(sv, "programs recorded and warm", (stats_now() - since) / 1e9);
        return 0;
}

static void open_next(void *userdata)
{
        struct supervisor *sv = userdata;
        struct gpu_part *g = &sv->gpu;
        const struct engine_options options = {
                .gpu = g->wish.gpu,
                .model = g->wish.model,
                .precision = g->wish.precision,
                .width = g->next->format.width,
                .height = g->next->format.height,
                .progress = on_progress,
                .userdata = sv,
        };

        close_set(g->next); /* the lost one */
        g->result = engine_open(&g->next->engine, &options, g->why, sizeof g->why);
        if (g->result == 0 && (g->result = open_pipeline(sv, g->next)) < 0)
                engine_close(&g->next->engine);
}

static void close_next(void *userdata)
{
        struct supervisor *sv = userdata;

        close_set(sv->gpu.next);
}

/* ---- transitions ---- */

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int begin(struct supervisor *sv, void (*run)(void *userdata))
{
        sv->gpu.task_since = stats_now();
        int r = task_begin(&sv->gpu.task, run, sv);
        if (r == 0 && sd_event_add_io(sv->event, &sv->gpu.done, sv->gpu.task.fd, EPOLLIN, on_done, sv) < 0)
                on_done(NULL, -1, 0, sv); /* out of memory: wait for it here */
        return r;
}

/* Opens what `wish` says, for the current formats of the output and the camera. */
static int begin_open(struct supervisor *sv, const struct config *wish)
{
        sv->gpu.wish = *wish;
        sv->gpu.next->format = sv->output.format;
        sv->gpu.source = sv->camera.format;
        return begin(sv, open_next);
}

static void open_gpu(struct supervisor *sv)
{
        set_state(sv, GPU_OPENING);
        int r = begin_open(sv, &sv->config);
        if (r < 0) {
                log_error("the GPU cannot be opened: %s", strerror(-r));
                sv->stop(sv, 1);
        }
}

/* Swaps the two, so that a thread can close the old one. */
static void retire(struct gpu_part *g)
{
        struct gpu_set *set = g->now;

        g->now = g->next;
        g->next = set;
}

static void reopen(struct supervisor *sv)
{
        struct gpu_part *g = &sv->gpu;

        if (g->losses++ == TRIES) {
                log_error("the GPU failed again: giving up");
                sv->stop(sv, 1);
                return;
        }
        if (g->now->pipeline)
                retire(g);
        open_gpu(sv);
}

static int on_lost(sd_event_source *source, void *userdata)
{
        struct supervisor *sv = userdata;

        if (!sv->gpu.task.running) /* otherwise on_done() does it */
                reopen(sv);
        sv->update(sv);
        return 0;
}

/* Whether a second attempt may help, unlike with a model file that cannot be read. */
static bool passing(int error)
{
        return error == -ENODEV || error == -ENOMEM;
}

static int take_over(struct supervisor *sv)
{
        struct gpu_part *g = &sv->gpu;

        if (sv->ending) {
                if (g->state != GPU_READY) /* the last frame was lost with the GPU */
                        sv->stop(sv, 0);
                return 0;
        }
        retire(g);
        config_choose_engine(&sv->config, &g->wish);
        g->worked = g->wish;
        g->works = true;
        pipeline_set_mode(g->now->pipeline, sv->config.mode, sv->config.label_age_ms);
        int r = pipeline_set_effect(g->now->pipeline, &sv->config.effect);
        if (r < 0)
                return r;
        set_state(sv, GPU_READY);
        log_cause_end(&g->cause, "the GPU works again");
        g->events = sd_event_source_disable_unref(g->events);
        r = sd_event_add_io(sv->event, &g->events, gpu_fd(g->now->engine.gpu), EPOLLIN, on_gpu, sv);
        if (r < 0)
                return r;
        supervisor_results_prepare(sv);
        supervisor_playout_follow(sv);
        supervisor_camera_attach(sv);
        if (!g->next->pipeline)
                return 0;
        g->switching = true; /* the next one needs its place */
        r = begin(sv, close_next);
        if (r < 0)
                g->switching = false;
        return r;
}

static void opened(struct supervisor *sv, bool switching)
{
        struct gpu_part *g = &sv->gpu;
        const struct config *good = g->works ? &g->worked : &sv->options->config;

        g->was_lost |= g->result == -ENODEV;
        if (g->result == 0 && !frame_format_equal(&g->next->format, &sv->output.format)) {
                config_choose_engine(&sv->config, &g->wish); /* again, for the new format of the output */
                g->losses = 0;
                lose(sv);
        } else if (g->result == 0) {
                int r = take_over(sv);
                if (r < 0) {
                        log_error("the GPU cannot be used: %s", strerror(-r));
                        sv->stop(sv, 1);
                }
        } else if (switching) {
                log_warning("%s; keeping the current GPU and model", g->why);
                if (g->state == GPU_LOST)
                        lose(sv);
        } else if (passing(g->result) && g->losses < TRIES) {
                log_warning("%s; trying again", g->why);
                lose(sv);
        } else if (!config_same_engine(&sv->config, good)) { /* chosen while nothing was open */
                log_warning("%s; returning to %s", g->why,
                            g->works ? "the last working settings" : "the configured settings");
                config_choose_engine(&sv->config, good);
                g->losses = 0;
                lose(sv);
        } else {
                log_error("%s", g->why);
                sv->stop(sv, g->result == -EPERM && !g->works ? EXIT_CONFIG : 1);
        }
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct supervisor *sv = userdata;
        struct gpu_part *g = &sv->gpu;
        const bool opening = g->task.run == open_next, switching = g->switching;

        g->done = sd_event_source_disable_unref(g->done);
        task_finish(&g->task);
        g->switching = false;
        if (opening)
                opened(sv, switching);
        else if (g->state == GPU_LOST)
                lose(sv);
        sv->update(sv);
        return 0;
}

/* When a GPU and a model are opened for the first time, everything is compiled, on a CPU that may be busy.  What has
 * been opened in this process before is compiled already. */
uint64_t supervisor_gpu_patience(const struct supervisor *sv)
{
        const struct gpu_part *g = &sv->gpu;
        const bool known = g->works && config_same_engine(&g->wish, &g->worked);

        return known ? 300000000000ull : 1200000000000ull;
}

bool supervisor_gpu_is_switching(const struct supervisor *sv)
{
        return sv->gpu.switching && sv->gpu.task.run == open_next;
}

int supervisor_gpu_switch(struct supervisor *sv, const struct config *wish)
{
        struct gpu_part *g = &sv->gpu;

        if (g->state != GPU_READY || g->task.running)
                return -EBUSY;
        g->switching = true;
        int r = begin_open(sv, wish);
        if (r < 0)
                g->switching = false;
        return r;
}

void supervisor_gpu_follow(struct supervisor *sv)
{
        const struct gpu_part *g = &sv->gpu;

        if (g->state != GPU_READY || frame_format_equal(&g->now->format, &sv->output.format))
                return;
        sv->gpu.losses = 0;
        lose(sv);
}

/* Only once the camera, which passes frames to it, is closed. */
static void close_gpu(struct supervisor *sv)
{
        struct gpu_part *g = &sv->gpu;

        g->events = sd_event_source_disable_unref(g->events);
        set_state(sv, GPU_CLOSED);
        retire(g);
        if (begin(sv, close_next) < 0)
                close_next(sv);
}

void supervisor_gpu_update(struct supervisor *sv)
{
        struct gpu_part *g = &sv->gpu;

        if (g->task.running)
                return;
        if (sv->stopped && g->state == GPU_READY && sv->camera.state == CAMERA_CLOSED)
                close_gpu(sv);
        else if (!sv->stopped && g->state == GPU_CLOSED && sv->output.format.width)
                open_gpu(sv);
}

/* ---- begin and end ---- */

int supervisor_gpu_prepare(struct supervisor *sv)
{
        sv->gpu.now = &sv->gpu.sets[0];
        sv->gpu.next = &sv->gpu.sets[1];
        for (int i = 0; i < 2; i++)
                pthread_mutex_init(&sv->gpu.sets[i].lock, NULL);
        sv->gpu.task = TASK_NONE;
        sv->gpu.cause.trouble = LOG_GPU;
        int r = sd_event_add_defer(sv->event, &sv->gpu.lost, on_lost, sv);
        if (r == 0)
                r = sd_event_source_set_enabled(sv->gpu.lost, SD_EVENT_OFF);
        return r;
}

bool supervisor_gpu_finish(struct supervisor *sv)
{
        struct gpu_part *g = &sv->gpu;

        if (g->task.running && g->task.run == open_next)
                return false;
        g->done = sd_event_source_disable_unref(g->done);
        task_finish(&g->task);
        g->events = sd_event_source_disable_unref(g->events);
        g->lost = sd_event_source_unref(g->lost);
        close_set(g->now);
        close_set(g->next);
        return true;
}
