/* The virtual camera's side of the daemon.  It is fed at a steady rate whatever happens elsewhere: with the newest
 * composed frame, which is repeated when no other comes, or with the placeholder. */
#define LOG_COMPONENT "virtual-camera"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/service/parts.h"
#include "v4l2/names.h"

/* Readers that go and come back within this, as browsers do when a page is loaded anew, find the camera still on. */
#define LINGER_USEC 3000000

#define LAST_FRAMES 32 /* as many as a driver has buffers, which a reader who stays may keep */

#define TIME_STEP_NS 1000 /* V4L2 tells times in microseconds: closer ones would look the same */

/* A node; a file is written, not watched: it gets each frame once. */
static bool watchable(const struct supervisor *sv)
{
        return name_of_output(sv->config.virtual_camera, NULL) == NAME_NODE;
}

/* Nobody looks at a file meanwhile: where frames are all that is wanted of it, a placeholder would only have to be
 * sorted out. */
static bool takes_placeholder(const struct supervisor *sv)
{
        return watchable(sv) || !supervisor_is_finite(sv);
}

/* ---- closing and opening ---- */

static void close_sink(struct supervisor *sv)
{
        struct output_part *s = &sv->output;

        sd_event_source_set_enabled(s->tick, SD_EVENT_OFF);
        sd_event_source_set_enabled(s->linger, SD_EVENT_OFF);
        s->readers = sd_event_source_disable_unref(s->readers);
        sink_close(s->sink);
        s->sink = NULL;
        s->state = OUTPUT_WAITING;
        s->watched = s->live = s->fresh = false;
}

static void wait_for_sink(struct supervisor *sv)
{
        close_sink(sv);
        sd_event_source_set_time_relative(sv->output.retry, backoff_next(&sv->output.backoff));
        sd_event_source_set_enabled(sv->output.retry, SD_EVENT_ONESHOT);
        sv->update(sv);
}

static void lost(struct supervisor *sv, int error)
{
        const char *name = sv->config.virtual_camera;

        if (!watchable(sv)) {
                log_error("%s: %s", name, strerror(-error));
                sv->stop(sv, 1);
                return;
        }
        log_cause(&sv->output.cause, "%s: %s; trying to open it again", name,
                  error == -ENODEV ? "the virtual camera is gone" : strerror(-error));
        wait_for_sink(sv);
}

/* The buffers that depend on the format; kept while that stays. */
static int take_format(struct supervisor *sv)
{
        const struct frame_format *format = sink_format(sv->output.sink);
        struct output_part *s = &sv->output;

        if (s->placeholder && frame_format_equal(&s->format, format))
                return 0;
        placeholder_free(s->placeholder);
        free(s->frame);
        s->placeholder = NULL;
        s->frame = malloc(format->size);
        int r = s->frame ? placeholder_new(format, &s->placeholder) : -ENOMEM;
        if (r < 0) {
                log_error("%s: frames of %s cannot be made: %s", sv->config.virtual_camera,
                          frame_fourcc_name(format->fourcc), strerror(-r));
                return r;
        }
        if (!placeholder_can_write(s->placeholder))
                log_warning("there is no font: the placeholder goes without words; install fonts-dejavu-core");
        s->format = *format;
        return 0;
}

static int on_readers(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int begin(struct supervisor *sv)
{
        struct output_part *s = &sv->output;
        int r;

        if ((r = take_format(sv)) < 0)
                return r;
        if (sink_readers_fd(s->sink) >= 0) {
                r = sd_event_add_io(sv->event, &s->readers, sink_readers_fd(s->sink), EPOLLIN, on_readers, sv);
                if (r < 0)
                        return r;
        }
        s->state = OUTPUT_OPEN;
        s->shown = 0;
        s->served = stats_now();
        sd_event_source_set_time(s->tick, 0);
        sd_event_source_set_enabled(s->tick, SD_EVENT_ON);
        return 0;
}

int supervisor_output_open(struct supervisor *sv)
{
        const struct config *config = &sv->config;
        const struct frame_format wish = {.width = config->width, .height = config->height, .matrix = FRAME_BT601};
        char why[512];

        int r = sink_open(config->virtual_camera, &wish, config->rate, &sv->output.sink, why, sizeof why);
        if (r < 0 && watchable(sv)) { /* it may come, or come free */
                log_cause(&sv->output.cause, "%s; trying again every second", why);
                wait_for_sink(sv);
                return 0;
        }
        if (r < 0) {
                log_error("%s", why);
                return r;
        }
        if ((r = begin(sv)) < 0)
                return r;
        const struct frame_format *format = &sv->output.format;
        log_cause_end(&sv->output.cause, "%s is there", config->virtual_camera);
        log_info("virtual camera: %s, %s %ux%u", config->virtual_camera, frame_fourcc_name(format->fourcc),
                 format->width, format->height);
        if (watchable(sv) && !sink_size_accepted(format->width, format->height))
                log_warning("Firefox offers no camera of %ux%u; 640x480 and 1280x720 are sizes that it takes",
                            format->width, format->height);
        backoff_reset(&sv->output.backoff);
        on_readers(NULL, -1, 0, sv);
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;

        if (supervisor_output_open(sv) < 0)
                sv->stop(sv, 1);
        return 0;
}

/* ---- showing ---- */

/* The next frame is due at `time`; what is late after a standstill is not made up for. */
static void tick_at(struct supervisor *sv, uint64_t time)
{
        uint64_t now = stats_now();

        sd_event_source_set_time(sv->output.tick, (time > now ? time : now + sv->output.interval) / 1000);
}

/* A frame's time is that of its showing: times must not go back, and those of repeated frames and of the placeholder
 * are of now, as are those that v4l2loopback 0.12.7 itself gives to the frames it has when a reader asks for buffers.
 */
static int show(struct supervisor *sv, const uint8_t *frame, uint64_t next)
{
        struct output_part *s = &sv->output;
        uint64_t time_ns = stats_now();

        if (time_ns < s->shown_time + TIME_STEP_NS)
                time_ns = s->shown_time + TIME_STEP_NS;
        int r = sink_show(s->sink, frame, time_ns);
        if (r < 0 && r != -EAGAIN) {
                lost(sv, r);
                return r;
        }
        if (r == 0)
                s->shown_time = time_ns;
        else
                sv->stats.refused++;
        s->shown = s->served = stats_now();
        tick_at(sv, next);
        return r;
}

static void show_composed(struct supervisor *sv)
{
        struct output_part *s = &sv->output;
        bool first = s->fresh;
        uint64_t now = stats_now();

        s->fresh = false;
        /* A new frame has half an interval more before it is repeated. */
        int r = show(sv, s->frame, now + s->interval + (first ? s->interval / 2 : 0));
        if (r == 0 && !first)
                sv->stats.repeated++;
        if (r < 0 || !first)
                return;
        stats_event(&sv->stats.shown, now);
        stats_time(&sv->stats.latency, now > s->frame_time ? now - s->frame_time : 0);
        if (sv->stats.shown.count == sv->options->frames)
                sv->stop(sv, 0);
}

static void show_placeholder(struct supervisor *sv, uint64_t due)
{
        if (show(sv, placeholder_bytes(sv->output.placeholder), due + sv->output.interval) == 0)
                sv->stats.placeholders++;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;
        struct output_part *s = &sv->output;

        s->served = stats_now();
        if (s->live && (s->fresh || watchable(sv)))
                show_composed(sv);
        else if (!s->live && takes_placeholder(sv))
                show_placeholder(sv, usec * 1000);
        else /* a file waits for the next new frame */
                sd_event_source_set_time_relative(s->tick, s->interval / 1000);
        return 0;
}

/* A camera that is faster than it was asked to be gets at most a tenth more shown: later frames take the place of those
 * that wait. */
bool supervisor_output_compose(struct supervisor *sv, const uint8_t *frame, uint64_t time_ns)
{
        struct output_part *s = &sv->output;

        if (s->state != OUTPUT_OPEN)
                return false;
        memcpy(s->frame, frame, s->format.size);
        s->frame_time = time_ns;
        s->fresh = true;
        bool first = !s->live;
        s->live = true;
        uint64_t due = s->shown + s->interval / 10 * 9;
        if (watchable(sv) && stats_now() < due)
                tick_at(sv, due);
        else
                show_composed(sv);
        return first && s->live;
}

void supervisor_output_placeholder(struct supervisor *sv)
{
        if (!sv->output.live)
                return;
        sv->output.live = sv->output.fresh = false;
        tick_at(sv, sv->output.shown + sv->output.interval);
}

void supervisor_output_say(struct supervisor *sv, const char *caption)
{
        if (sv->output.placeholder)
                placeholder_say(sv->output.placeholder, caption);
}

/* ---- who watches ---- */

static int on_linger(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;

        sv->output.watched = false;
        log_info("nobody watches");
        sv->update(sv);
        return 0;
}

static int on_readers(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct supervisor *sv = userdata;
        struct output_part *s = &sv->output;
        bool any = (s->readers_count = sink_readers(s->sink)) > 0;
        int lingers = SD_EVENT_OFF;

        if (any && !s->watched && watchable(sv))
                log_info("somebody watches");
        sd_event_source_get_enabled(s->linger, &lingers);
        if (any) {
                sd_event_source_set_enabled(s->linger, SD_EVENT_OFF);
                s->watched = true;
        } else if (s->watched && lingers == SD_EVENT_OFF) { /* who only looks does not prolong it */
                sd_event_source_set_time_relative(s->linger, LINGER_USEC);
                sd_event_source_set_enabled(s->linger, SD_EVENT_ONESHOT);
        }
        sv->update(sv);
        return 0;
}

/* ---- begin and end ---- */

int supervisor_output_prepare(struct supervisor *sv)
{
        const struct frame_rate rate = sv->config.rate;
        struct output_part *s = &sv->output;
        const struct {
                sd_event_source **source;
                sd_event_time_handler_t handler;
        } timers[] = {{&s->tick, on_tick}, {&s->retry, on_retry}, {&s->linger, on_linger}};

        s->cause.trouble = LOG_SINK;
        s->interval = 1000000000ull * rate.denominator / rate.numerator;
        for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
                int r = sd_event_add_time(sv->event, timers[i].source, CLOCK_MONOTONIC, 0, 1000, timers[i].handler, sv);
                if (r < 0 || (r = sd_event_source_set_enabled(*timers[i].source, SD_EVENT_OFF)) < 0)
                        return r;
        }
        return 0;
}

/* Not by show(), which would try to open anew what is lost. */
void supervisor_output_leave(struct supervisor *sv)
{
        struct output_part *s = &sv->output;
        int r = 0;

        if (s->state != OUTPUT_OPEN || !watchable(sv))
                return;
        placeholder_say(s->placeholder, "visaged has ended");
        for (int i = 0; i < LAST_FRAMES && r == 0; i++) {
                s->shown_time += TIME_STEP_NS;
                if (s->shown_time < stats_now())
                        s->shown_time = stats_now();
                r = sink_show(s->sink, placeholder_bytes(s->placeholder), s->shown_time);
        }
}

void supervisor_output_finish(struct supervisor *sv)
{
        struct output_part *s = &sv->output;

        s->readers = sd_event_source_disable_unref(s->readers);
        s->tick = sd_event_source_unref(s->tick);
        s->retry = sd_event_source_unref(s->retry);
        s->linger = sd_event_source_unref(s->linger);
        sink_close(s->sink);
        placeholder_free(s->placeholder);
        free(s->frame);
}
