/* The GPU's side of the daemon: the engine and the pipeline, opened on a thread since that takes seconds, on the first
 * run many.  A GPU that is lost is opened again, twice; then the process ends, and the service manager starts a fresh
 * one. */
#define LOG_ROOM "gpu"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/service/parts.h"

#define TRIES 2
#define STEADY_NS 60000000000ull /* a GPU that has worked for so long has recovered */

/* ---- the pipeline's events ---- */

static void on_show(void *userdata, const uint8_t *frame, uint64_t time_ns)
{
        struct manager *m = userdata;

        if (m->gpu.state == GPU_READY && manager_sink_compose(m, frame, time_ns))
                manager_update(m);
}

static void on_parsed(void *userdata, const uint8_t *labels, uint64_t time_ns)
{
        struct manager *m = userdata;

        if (m->gpu.state == GPU_READY)
                manager_results_take(m, labels, time_ns);
}

static void on_ready(void *userdata)
{
        struct manager *m = userdata;

        if (m->ending)
                manager_stop(m, 0);
        manager_camera_listen(m);
}

static void set_state(struct manager *m, enum gpu_state state)
{
        m->gpu.state = state;
        m->gpu.since = stats_now();
}

static void lose(struct manager *m)
{
        set_state(m, GPU_LOST);
        m->gpu.events = sd_event_source_disable_unref(m->gpu.events);
        sd_event_source_set_enabled(m->gpu.lost, SD_EVENT_ONESHOT);
}

static void on_failed(void *userdata, int error)
{
        struct manager *m = userdata;
        struct gpu_room *g = &m->gpu;

        if (g->state != GPU_READY)
                return;
        if (stats_now() - g->since > STEADY_NS)
                g->losses = 0;
        g->was_lost |= error == -ENODEV;
        log_cause(&g->cause, "the GPU failed: %s", error == -ENODEV ? "it is lost" : strerror(-error));
        lose(m);
        manager_update(m);
}

static int on_gpu(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct manager *m = userdata;

        int r = gpu_dispatch(m->gpu.now->engine.gpu);
        if (r < 0)
                on_failed(m, r);
        return 0;
}

/* ---- on the thread ---- */

static void on_progress(void *userdata, const char *what, double seconds)
{
        log_info("%s (%.1f s)", what, seconds);
}

static void close_set(struct gpu_set *set)
{
        if (!set || !set->pipeline)
                return;
        pipeline_free(set->pipeline);
        engine_close(&set->engine);
        set->pipeline = NULL;
}

static int open_pipeline(struct manager *m, struct gpu_set *set)
{
        const struct pipeline_options options = {
                .engine = &set->engine,
                .sink = &set->format,
                .look = m->gpu.wish.look,
                .mode = m->gpu.wish.mode,
                .stats = &m->stats,
                .events = {.show = on_show, .parsed = on_parsed, .ready = on_ready, .failed = on_failed, .userdata = m},
        };
        uint64_t since = stats_now();

        int r = pipeline_new(&options, &set->pipeline, m->gpu.why, sizeof m->gpu.why);
        if (r == 0)
                on_progress(m, "programs recorded and warm", (stats_now() - since) / 1e9);
        return r;
}

static void open_next(void *userdata)
{
        struct manager *m = userdata;
        struct gpu_room *g = &m->gpu;
        const struct engine_options options = {
                .gpu = g->wish.gpu,
                .model = g->wish.model,
                .precision = g->wish.precision,
                .progress = on_progress,
                .userdata = m,
        };

        close_set(g->next); /* the lost one */
        g->result = engine_open(&g->next->engine, &options, g->why, sizeof g->why);
        if (g->result == 0 && (g->result = open_pipeline(m, g->next)) < 0)
                engine_close(&g->next->engine);
}

static void close_next(void *userdata)
{
        struct manager *m = userdata;

        close_set(m->gpu.next);
}

/* ---- transitions ---- */

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int begin(struct manager *m, void (*run)(void *userdata))
{
        m->gpu.task_since = stats_now();
        int r = task_begin(&m->gpu.task, run, m);
        if (r == 0 && sd_event_add_io(m->event, &m->gpu.done, m->gpu.task.fd, EPOLLIN, on_done, m) < 0)
                on_done(NULL, -1, 0, m); /* out of memory: waited for here */
        return r;
}

static void open_gpu(struct manager *m)
{
        m->gpu.wish = m->config;
        m->gpu.next->format = m->sink.format;
        set_state(m, GPU_OPENING);
        int r = begin(m, open_next);
        if (r < 0) {
                log_error("the GPU cannot be opened: %s", strerror(-r));
                manager_stop(m, 1);
        }
}

/* `now` becomes `next`, for a thread to close. */
static void retire(struct gpu_room *g)
{
        struct gpu_set *set = g->now;

        g->now = g->next;
        g->next = set;
}

static int on_lost(sd_event_source *source, void *userdata)
{
        struct manager *m = userdata;
        struct gpu_room *g = &m->gpu;

        if (g->task.running) /* on_done() sees to it */
                return 0;
        if (g->losses++ == TRIES) {
                log_error("the GPU failed again: giving up");
                manager_stop(m, 1);
                return 0;
        }
        if (g->now->pipeline)
                retire(g);
        open_gpu(m);
        manager_update(m);
        return 0;
}

/* What a second try may cure; a model file that cannot be read is none of it. */
static bool passing(int error)
{
        return error == -ENODEV || error == -ENOMEM;
}

bool manager_gpu_same(const struct config *a, const struct config *b)
{
        return strcmp(a->model, b->model) == 0 && strcmp(a->gpu, b->gpu) == 0 && a->precision == b->precision;
}

void manager_gpu_choose(struct config *to, const struct config *from)
{
        memcpy(to->model, from->model, sizeof to->model);
        memcpy(to->gpu, from->gpu, sizeof to->gpu);
        to->precision = from->precision;
}

static int take_over(struct manager *m)
{
        struct gpu_room *g = &m->gpu;

        if (m->ending) {
                if (g->state != GPU_READY) /* the frame that was still to be shown went with the GPU */
                        manager_stop(m, 0);
                return 0;
        }
        retire(g);
        manager_gpu_choose(&m->config, &g->wish);
        g->worked = g->wish;
        g->works = true;
        pipeline_set_mode(g->now->pipeline, m->config.mode);
        int r = pipeline_set_look(g->now->pipeline, &m->config.look);
        if (r < 0)
                return r;
        set_state(m, GPU_READY);
        log_cause_end(&g->cause, "the GPU works again");
        g->events = sd_event_source_disable_unref(g->events);
        r = sd_event_add_io(m->event, &g->events, gpu_fd(g->now->engine.gpu), EPOLLIN, on_gpu, m);
        if (r < 0)
                return r;
        manager_results_prepare(m);
        manager_camera_attach(m);
        if (!g->next->pipeline)
                return 0;
        g->switching = true; /* the next switch needs the place */
        r = begin(m, close_next);
        if (r < 0)
                g->switching = false;
        return r;
}

static void opened(struct manager *m, bool switching)
{
        struct gpu_room *g = &m->gpu;
        const struct config *good = g->works ? &g->worked : &m->options->config;

        g->was_lost |= g->result == -ENODEV;
        if (g->result == 0 && !frame_format_same(&g->next->format, &m->sink.format)) {
                manager_gpu_choose(&m->config, &g->wish); /* once more, for the sink that there is now */
                g->losses = 0;
                lose(m);
        } else if (g->result == 0) {
                int r = take_over(m);
                if (r < 0) {
                        log_error("the GPU cannot be used: %s", strerror(-r));
                        manager_stop(m, 1);
                }
        } else if (switching) {
                log_warning("%s; going on with what there is", g->why);
                if (g->state == GPU_LOST)
                        lose(m);
        } else if (passing(g->result) && g->losses < TRIES) {
                log_warning("%s; trying again", g->why);
                lose(m);
        } else if (!manager_gpu_same(&m->config, good)) { /* chosen while nothing was open */
                log_warning("%s; going back to %s", g->why, g->works ? "what worked" : "what is configured");
                manager_gpu_choose(&m->config, good);
                g->losses = 0;
                lose(m);
        } else {
                log_error("%s", g->why);
                manager_stop(m, g->result == -EPERM && !g->works ? EXIT_CONFIG : 1);
        }
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct manager *m = userdata;
        struct gpu_room *g = &m->gpu;
        const bool opening = g->task.run == open_next, switching = g->switching;

        g->done = sd_event_source_disable_unref(g->done);
        task_finish(&g->task);
        g->switching = false;
        if (opening)
                opened(m, switching);
        else if (g->state == GPU_LOST)
                lose(m);
        manager_update(m);
        return 0;
}

bool manager_gpu_is_switching(const struct manager *m)
{
        return m->gpu.switching && m->gpu.task.run == open_next;
}

int manager_gpu_switch(struct manager *m, const struct config *wish)
{
        struct gpu_room *g = &m->gpu;

        if (g->state != GPU_READY || g->task.running)
                return -EBUSY;
        g->wish = *wish;
        g->next->format = m->sink.format;
        g->switching = true;
        int r = begin(m, open_next);
        if (r < 0)
                g->switching = false;
        return r;
}

void manager_gpu_restart(struct manager *m)
{
        if (m->gpu.state != GPU_READY)
                return;
        m->gpu.losses = 0;
        lose(m);
}

/* Closed only when the camera, which hands frames to it, is. */
static void close_gpu(struct manager *m)
{
        struct gpu_room *g = &m->gpu;

        g->events = sd_event_source_disable_unref(g->events);
        set_state(m, GPU_CLOSED);
        retire(g);
        if (begin(m, close_next) < 0)
                close_next(m);
}

void manager_gpu_update(struct manager *m)
{
        struct gpu_room *g = &m->gpu;

        if (g->task.running)
                return;
        if (m->stopped && g->state == GPU_READY && m->camera.state == CAMERA_CLOSED)
                close_gpu(m);
        else if (!m->stopped && g->state == GPU_CLOSED && m->sink.format.width)
                open_gpu(m);
}

/* ---- begin and end ---- */

int manager_gpu_prepare(struct manager *m)
{
        m->gpu.now = &m->gpu.sets[0];
        m->gpu.next = &m->gpu.sets[1];
        m->gpu.task = TASK_NONE;
        m->gpu.cause.trouble = LOG_GPU;
        int r = sd_event_add_defer(m->event, &m->gpu.lost, on_lost, m);
        if (r == 0)
                r = sd_event_source_set_enabled(m->gpu.lost, SD_EVENT_OFF);
        return r;
}

bool manager_gpu_finish(struct manager *m)
{
        struct gpu_room *g = &m->gpu;

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
