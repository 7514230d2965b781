/* The virtual camera's side of the daemon.  It is fed at a steady rate whatever happens elsewhere: with the newest
 * composed frame, which is repeated when no other comes, or with the placeholder. */
#define LOG_ROOM "virtual-camera"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/service/parts.h"
#include "v4l2/names.h"

/* Readers that go and come back within this, as browsers do when a page is loaded anew, find the camera still on. */
#define LINGER_USEC 3000000

#define TIME_STEP_NS 1000 /* V4L2 tells times in microseconds: closer ones would look the same */

/* A node; a file is written, not watched: it gets each frame once. */
static bool watchable(const struct manager *m)
{
        return name_of_output(m->config.virtual_camera, NULL) == NAME_NODE;
}

/* Nobody looks at a file meanwhile: where frames are all that is wanted of it, a placeholder would only have to be
 * sorted out. */
static bool takes_placeholder(const struct manager *m)
{
        return watchable(m) || !manager_is_finite(m);
}

/* ---- closing and opening ---- */

static void close_sink(struct manager *m)
{
        struct sink_room *s = &m->sink;

        sd_event_source_set_enabled(s->tick, SD_EVENT_OFF);
        sd_event_source_set_enabled(s->linger, SD_EVENT_OFF);
        s->readers = sd_event_source_disable_unref(s->readers);
        sink_close(s->sink);
        s->sink = NULL;
        s->state = SINK_WAITING;
        s->watched = s->live = s->fresh = false;
}

static void wait_for_sink(struct manager *m)
{
        close_sink(m);
        sd_event_source_set_time_relative(m->sink.retry, backoff_next(&m->sink.backoff));
        sd_event_source_set_enabled(m->sink.retry, SD_EVENT_ONESHOT);
        manager_update(m);
}

static void lost(struct manager *m, int error)
{
        const char *name = m->config.virtual_camera;

        if (!watchable(m)) {
                log_error("%s: %s", name, strerror(-error));
                manager_stop(m, 1);
                return;
        }
        log_cause(&m->sink.cause, "%s: %s; trying to open it again", name,
                  error == -ENODEV ? "the virtual camera is gone" : strerror(-error));
        wait_for_sink(m);
}

/* The buffers that depend on the format; kept while that stays. */
static int take_format(struct manager *m)
{
        const struct frame_format *format = sink_format(m->sink.sink);
        struct sink_room *s = &m->sink;

        if (s->placeholder && frame_format_same(&s->format, format))
                return 0;
        placeholder_free(s->placeholder);
        free(s->frame);
        s->placeholder = NULL;
        s->frame = malloc(format->size);
        int r = s->frame ? placeholder_new(format, &s->placeholder) : -ENOMEM;
        if (r < 0) {
                log_error("%s: frames of %s cannot be made: %s", m->config.virtual_camera,
                          frame_fourcc_name(format->fourcc), strerror(-r));
                return r;
        }
        if (!placeholder_can_write(s->placeholder))
                log_warning("there is no font: the placeholder goes without words; install fonts-dejavu-core");
        if (s->format.width)
                manager_gpu_restart(m);
        s->format = *format;
        return 0;
}

static int on_readers(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int begin(struct manager *m)
{
        struct sink_room *s = &m->sink;
        int r;

        if ((r = take_format(m)) < 0)
                return r;
        if (sink_readers_fd(s->sink) >= 0) {
                r = sd_event_add_io(m->event, &s->readers, sink_readers_fd(s->sink), EPOLLIN, on_readers, m);
                if (r < 0)
                        return r;
        }
        s->state = SINK_OPEN;
        s->shown = 0;
        s->served = stats_now();
        sd_event_source_set_time(s->tick, 0);
        sd_event_source_set_enabled(s->tick, SD_EVENT_ON);
        return 0;
}

int manager_sink_open(struct manager *m)
{
        const struct config *config = &m->config;
        const struct frame_format wish = {.width = config->width, .height = config->height, .matrix = FRAME_BT601};
        char why[512];

        int r = sink_open(config->virtual_camera, &wish, config->rate, &m->sink.sink, why, sizeof why);
        if (r < 0 && watchable(m)) { /* it may come, or come free */
                log_cause(&m->sink.cause, "%s; trying again every second", why);
                wait_for_sink(m);
                return 0;
        }
        if (r < 0) {
                log_error("%s", why);
                return r;
        }
        if ((r = begin(m)) < 0)
                return r;
        const struct frame_format *format = &m->sink.format;
        log_cause_end(&m->sink.cause, "%s is there", config->virtual_camera);
        log_info("virtual camera: %s, %s %ux%u", config->virtual_camera, frame_fourcc_name(format->fourcc),
                 format->width, format->height);
        if (watchable(m) && !sink_size_accepted(format->width, format->height))
                log_warning("Firefox offers no camera of %ux%u; 640x480 and 1280x720 are sizes that it takes",
                            format->width, format->height);
        backoff_reset(&m->sink.backoff);
        on_readers(NULL, -1, 0, m);
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        if (manager_sink_open(m) < 0)
                manager_stop(m, 1);
        return 0;
}

/* ---- showing ---- */

/* The next frame is due at `time`; what is late after a standstill is not made up for. */
static void tick_at(struct manager *m, uint64_t time)
{
        uint64_t now = stats_now();

        sd_event_source_set_time(m->sink.tick, (time > now ? time : now + m->sink.interval) / 1000);
}

/* A frame's time is that of its showing: times must not go back, and those of repeated frames and of the placeholder
 * are of now, as are those that v4l2loopback 0.12.7 itself gives to the frames it has when a reader asks for buffers.
 */
static int show(struct manager *m, const uint8_t *frame, uint64_t next)
{
        struct sink_room *s = &m->sink;
        uint64_t time_ns = stats_now();

        if (time_ns < s->shown_time + TIME_STEP_NS)
                time_ns = s->shown_time + TIME_STEP_NS;
        int r = sink_show(s->sink, frame, time_ns);
        if (r < 0 && r != -EAGAIN) {
                lost(m, r);
                return r;
        }
        if (r == 0)
                s->shown_time = time_ns;
        else
                m->stats.refused++;
        s->shown = s->served = stats_now();
        tick_at(m, next);
        return r;
}

static void show_composed(struct manager *m)
{
        struct sink_room *s = &m->sink;
        bool first = s->fresh;
        uint64_t now = stats_now();

        s->fresh = false;
        /* A new frame has half an interval more before it is repeated. */
        int r = show(m, s->frame, now + s->interval + (first ? s->interval / 2 : 0));
        if (r == 0 && !first)
                m->stats.repeated++;
        if (r < 0 || !first)
                return;
        stats_event(&m->stats.shown, now);
        stats_time(&m->stats.latency, now > s->frame_time ? now - s->frame_time : 0);
        if (m->stats.shown.count == m->options->frames)
                manager_stop(m, 0);
}

static void show_placeholder(struct manager *m, uint64_t due)
{
        if (show(m, placeholder_bytes(m->sink.placeholder), due + m->sink.interval) == 0)
                m->stats.placeholders++;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct manager *m = userdata;
        struct sink_room *s = &m->sink;

        s->served = stats_now();
        if (s->live && (s->fresh || watchable(m)))
                show_composed(m);
        else if (!s->live && takes_placeholder(m))
                show_placeholder(m, usec * 1000);
        else /* a file waits for the next new frame */
                sd_event_source_set_time_relative(s->tick, s->interval / 1000);
        return 0;
}

/* A camera that is faster than it was asked to be gets at most a tenth more shown: later frames take the place of those
 * that wait. */
bool manager_sink_compose(struct manager *m, const uint8_t *frame, uint64_t time_ns)
{
        struct sink_room *s = &m->sink;

        if (s->state != SINK_OPEN)
                return false;
        memcpy(s->frame, frame, s->format.size);
        s->frame_time = time_ns;
        s->fresh = true;
        bool first = !s->live;
        s->live = true;
        uint64_t due = s->shown + s->interval / 10 * 9;
        if (watchable(m) && stats_now() < due)
                tick_at(m, due);
        else
                show_composed(m);
        return first && s->live;
}

void manager_sink_placeholder(struct manager *m)
{
        if (!m->sink.live)
                return;
        m->sink.live = m->sink.fresh = false;
        tick_at(m, m->sink.shown + m->sink.interval);
}

void manager_sink_say(struct manager *m, const char *caption)
{
        if (m->sink.placeholder)
                placeholder_say(m->sink.placeholder, caption);
}

/* ---- who watches ---- */

static int on_linger(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        m->sink.watched = false;
        log_info("nobody watches");
        manager_update(m);
        return 0;
}

static int on_readers(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct manager *m = userdata;
        struct sink_room *s = &m->sink;
        bool any = (s->readers_count = sink_readers(s->sink)) > 0;
        int lingers = SD_EVENT_OFF;

        if (any && !s->watched && watchable(m))
                log_info("somebody watches");
        sd_event_source_get_enabled(s->linger, &lingers);
        if (any) {
                sd_event_source_set_enabled(s->linger, SD_EVENT_OFF);
                s->watched = true;
        } else if (s->watched && lingers == SD_EVENT_OFF) { /* who only looks does not prolong it */
                sd_event_source_set_time_relative(s->linger, LINGER_USEC);
                sd_event_source_set_enabled(s->linger, SD_EVENT_ONESHOT);
        }
        manager_update(m);
        return 0;
}

/* ---- begin and end ---- */

int manager_sink_prepare(struct manager *m)
{
        const struct frame_rate rate = m->config.rate;
        struct sink_room *s = &m->sink;
        const struct {
                sd_event_source **source;
                sd_event_time_handler_t handler;
        } timers[] = {{&s->tick, on_tick}, {&s->retry, on_retry}, {&s->linger, on_linger}};

        s->cause.trouble = LOG_SINK;
        s->interval = 1000000000ull * rate.denominator / rate.numerator;
        for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
                int r = sd_event_add_time(m->event, timers[i].source, CLOCK_MONOTONIC, 0, 1000, timers[i].handler, m);
                if (r < 0 || (r = sd_event_source_set_enabled(*timers[i].source, SD_EVENT_OFF)) < 0)
                        return r;
        }
        return 0;
}

void manager_sink_finish(struct manager *m)
{
        struct sink_room *s = &m->sink;

        s->readers = sd_event_source_disable_unref(s->readers);
        s->tick = sd_event_source_unref(s->tick);
        s->retry = sd_event_source_unref(s->retry);
        s->linger = sd_event_source_unref(s->linger);
        sink_close(s->sink);
        placeholder_free(s->placeholder);
        free(s->frame);
}
