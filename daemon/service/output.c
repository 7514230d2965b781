/* One output of the daemon.  Whatever happens elsewhere, it gets the newest composed frame or the placeholder, at a
 * steady rate if it wants that.  A failure of one output does not affect the others. */
#define LOG_COMPONENT "virtual-camera"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/service/parts.h"
#include "v4l2/names.h"

#define LAST_FRAMES 32 /* as many as a driver has buffers: a reader that stays open may see any of them */

#define TIME_STEP_NS 1000 /* V4L2 times are in microseconds: closer ones would be equal */

#define STUCK_NS 5000000000ull /* a device that has taken nothing for this long will not recover by itself */

#define COUNT_USEC 1000000 /* between two attempts to count readers */

bool supervisor_is_finite(const struct supervisor *sv)
{
        return sv->options->frames > 0 || name_plays_once(sv->config.camera);
}

/* Nobody watches a file while it is written.  In the result of a finite run, placeholders would only be in the way. */
static bool takes_placeholder(const struct output *out)
{
        return out->kind.placeholders || !supervisor_is_finite(out->sv);
}

/* ---- closing and failures ---- */

static void rest(struct output *out, enum output_state state)
{
        sd_event_source_set_enabled(out->timer, SD_EVENT_OFF);
        sd_event_source_set_enabled(out->retry, SD_EVENT_OFF);
        out->events = sd_event_source_disable_unref(out->events);
        out->state = state;
        out->fresh = false;
        out->readers = 0;
}

static void close_sink(struct output *out, enum output_state state)
{
        rest(out, state);
        sink_close(out->sink);
        out->sink = NULL;
}

static void try_again_later(struct output *out)
{
        sd_event_source_set_time_relative(out->retry, backoff_next(&out->backoff));
        sd_event_source_set_enabled(out->retry, SD_EVENT_ONESHOT);
        out->sv->update(out->sv);
}

/* Whether no other output is open or may be reopened. */
static bool is_last(const struct output *out)
{
        const struct output_part *all = &out->sv->output;

        for (unsigned i = 0; i < all->count; i++) {
                const struct output *other = &all->list[i];
                if (other != out && (other->state == OUTPUT_OPEN || other->kind.reopens))
                        return false;
        }
        return true;
}

static const char *error_text(int error)
{
        switch (error) {
        case -ENODEV:
                return "it is gone";
        case -ETIMEDOUT:
                return "it takes no frames";
        default:
                return strerror(-error);
        }
}

/* A file that was reopened would lose its contents.  It continues where it stopped once the disk has room. */
static void lost(struct output *out, int error)
{
        if (out->kind.reopens) {
                log_cause(&out->cause, "%s: %s; trying to open it again", out->name, error_text(error));
                close_sink(out, OUTPUT_WAITING);
                try_again_later(out);
        } else if (is_last(out)) {
                log_error("%s: %s", out->name, error_text(error));
                out->sv->stop(out->sv, 1);
        } else if (error == -ENODEV) {
                log_error("%s: %s; going on without it", out->name, error_text(error));
                close_sink(out, OUTPUT_ENDED);
                out->sv->update(out->sv);
        } else {
                log_cause(&out->cause, "%s: %s; trying to go on every second", out->name, error_text(error));
                rest(out, OUTPUT_WAITING);
                try_again_later(out);
        }
}

/* ---- showing ---- */

/* The next frame is due at `time`.  After a standstill, missed frames are not made up for. */
static void show_at(struct output *out, uint64_t time)
{
        uint64_t now = stats_now();

        sd_event_source_set_time(out->timer, (time > now ? time : now + out->sv->output.interval) / 1000);
}

/* A frame's time is when it is shown, not when it was captured.  Times must not go back, and repeated frames and the
 * placeholder have none of their own.  v4l2loopback 0.12.7 also sets the current time when a reader asks for
 * buffers. */
static uint64_t next_time(const struct output *out)
{
        const uint64_t now = stats_now(), least = out->shown_time + TIME_STEP_NS;

        return now < least ? least : now;
}

static void taken(struct output *out, uint64_t time_ns)
{
        out->shown_time = time_ns;
        out->taken = stats_now();
        backoff_reset(&out->backoff);
        log_cause_end(&out->cause, "%s is available", out->name);
}

static int show(struct output *out, const uint8_t *frame, uint64_t next)
{
        uint64_t time_ns = next_time(out);

        int r = sink_show(out->sink, frame, time_ns);
        if (r == -EAGAIN)
                out->sv->stats.refused++;
        if (r == -EAGAIN && out->kind.reopens && stats_now() - out->taken > STUCK_NS)
                r = -ETIMEDOUT;
        if (r < 0 && r != -EAGAIN) {
                lost(out, r);
                return r;
        }
        if (r == 0)
                taken(out, time_ns);
        out->shown = out->served = stats_now();
        show_at(out, next);
        return r;
}

/* Counts a frame once, at the output that shows it first. */
static void count_frame(struct supervisor *sv, uint64_t now)
{
        struct output_part *all = &sv->output;

        if (all->counted)
                return;
        all->counted = true;
        stats_event(&sv->stats.shown, now);
        stats_time(&sv->stats.latency, now > all->frame_time ? now - all->frame_time : 0);
        if (sv->stats.shown.count == sv->options->frames)
                sv->stop(sv, 0);
}

static void show_composed(struct output *out)
{
        const struct output_part *all = &out->sv->output;
        bool first = out->fresh;
        uint64_t now = stats_now();

        out->fresh = false;
        /* A new frame has half an interval more before it is repeated. */
        int r = show(out, all->frame, now + all->interval + (first ? all->interval / 2 : 0));
        if (first)
                out->renewed = now;
        if (r == 0 && first)
                count_frame(out->sv, now);
        else if (r == 0)
                out->sv->stats.repeated++;
}

static void show_placeholder(struct output *out, uint64_t due)
{
        const struct output_part *all = &out->sv->output;
        const uint8_t *bytes = placeholder_task_bytes(&all->placeholder);

        if (!bytes)
                show_at(out, due + all->interval);
        else if (show(out, bytes, due + all->interval) == 0)
                out->sv->stats.placeholders++;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct output *out = userdata;
        const struct output_part *all = &out->sv->output;

        out->served = stats_now();
        if (all->live && (out->fresh || out->kind.steady))
                show_composed(out);
        else if (!all->live && takes_placeholder(out))
                show_placeholder(out, usec * 1000);
        else /* a file waits for the next new frame */
                sd_event_source_set_time_relative(out->timer, all->interval / 1000);
        return 0;
}

/* If a camera is faster than requested, at most a tenth more frames are shown: newer frames replace those that wait.
 * In exact mode they come when they are due, and do not also wait because the one before has been repeated. */
void supervisor_output_offer(struct output *out)
{
        const uint64_t last = out->sv->config.mode == MODE_EXACT ? out->renewed : out->shown;
        const uint64_t due = last + out->sv->output.interval / 10 * 9;

        if (out->state != OUTPUT_OPEN)
                return;
        out->fresh = true;
        if (out->kind.steady && stats_now() < due)
                show_at(out, due);
        else
                show_composed(out);
}

void supervisor_output_withdraw(struct output *out)
{
        out->fresh = false;
        if (out->state == OUTPUT_OPEN)
                show_at(out, out->shown + out->sv->output.interval);
}

/* Without show(), which would reopen a lost output. */
static void show_last_placeholder(struct output *out)
{
        const uint8_t *bytes = placeholder_task_bytes(&out->sv->output.placeholder);
        int r = 0;

        for (int i = 0; bytes && i < LAST_FRAMES && r == 0; i++) {
                out->shown_time = next_time(out);
                r = sink_show(out->sink, bytes, out->shown_time);
        }
}

/* Does not wait for readers that do not read. */
void supervisor_output_leave(struct output *out)
{
        if (out->state != OUTPUT_OPEN)
                return;
        if (out->kind.placeholders)
                show_last_placeholder(out);
        int r = sink_flush(out->sink);
        if (r < 0 && r != -EAGAIN) {
                log_error("%s: %s", out->name, error_text(r));
                out->sv->stop(out->sv, 1);
        }
}

/* ---- readers, and what is written later ---- */

static int on_events(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* The sink may not have had a descriptor before. */
static int watch(struct output *out)
{
        int fd = sink_fd(out->sink);

        if (fd < 0 || out->events)
                return 0;
        return sd_event_add_io(out->sv->event, &out->events, fd, EPOLLIN, on_events, out);
}

static void count_readers(struct output *out)
{
        int before = out->readers;

        out->readers = sink_readers(out->sink);
        if (out->readers < 0 && before >= 0)
                log_warning("%s: its readers cannot be counted: %s; the camera stays on, trying again every second",
                            out->name, strerror(-out->readers));
        if (out->readers >= 0 && before < 0)
                log_notice("%s: its readers are counted again", out->name);
        if (out->readers < 0) {
                sd_event_source_set_time_relative(out->retry, COUNT_USEC);
                sd_event_source_set_enabled(out->retry, SD_EVENT_ONESHOT);
        }
        if (out->readers != before)
                out->sv->update(out->sv);
}

static void dispatch(struct output *out)
{
        int r = sink_dispatch(out->sink);
        if (r == 0)
                r = watch(out);
        if (r < 0)
                lost(out, r);
        else
                count_readers(out);
}

static int on_events(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        dispatch(userdata);
        return 0;
}

/* ---- opening ---- */

/* Allocates the buffers that depend on the format, unless it is the same as before. */
static int take_format(struct output *out)
{
        const struct frame_format *format = sink_format(out->sink);
        struct output_part *all = &out->sv->output;

        if (all->frame && frame_format_equal(&all->format, format))
                return 0;
        placeholder_task_finish(&all->placeholder);
        free(all->frame);
        all->frame = malloc(format->size);
        int r = all->frame ? placeholder_task_init(&all->placeholder, out->sv->event, format) : -ENOMEM;
        if (r < 0) {
                log_error("%s: cannot convert frames to %s: %s", out->name, frame_fourcc_name(format->fourcc),
                          strerror(-r));
                return r;
        }
        all->format = *format;
        return 0;
}

/* Frames are composed once: all outputs must have the format of those that are already open. */
static int check_format(const struct output *out, const struct output *other, char *why, size_t why_size)
{
        const struct frame_format *has = sink_format(out->sink), *wanted = &out->sv->output.format;

        if (!other || frame_format_equal(has, wanted))
                return 0;
        char name[8];
        snprintf(name, sizeof name, "%s", frame_fourcc_name(has->fourcc));
        snprintf(why, why_size, "%s takes %s %ux%u only, but %s has %s %ux%u, and all outputs share one format",
                 out->name, name, has->width, has->height, other->name, frame_fourcc_name(wanted->fourcc),
                 wanted->width, wanted->height);
        return -ENOTSUP;
}

static int open_sink(struct output *out, char *why, size_t why_size)
{
        const struct config *config = &out->sv->config;
        const struct output *other = supervisor_output_first(out->sv);
        const struct frame_format wish = {.width = config->width, .height = config->height, .matrix = FRAME_BT601};

        int r = sink_open(out->name, other ? &out->sv->output.format : &wish, config->rate, &out->sink, why, why_size);
        if (r < 0 || (r = check_format(out, other, why, why_size)) == 0)
                return r;
        sink_close(out->sink);
        out->sink = NULL;
        return r;
}

static int begin(struct output *out)
{
        int r = take_format(out);
        if (r < 0 || (r = watch(out)) < 0)
                return r;
        out->state = OUTPUT_OPEN;
        out->shown = out->renewed = 0;
        out->served = out->taken = stats_now();
        sd_event_source_set_time(out->timer, 0);
        sd_event_source_set_enabled(out->timer, SD_EVENT_ON);
        return 0;
}

int supervisor_output_open(struct output *out)
{
        const struct frame_format *format = &out->sv->output.format;
        char why[512];

        int r = open_sink(out, why, sizeof why);
        if (r < 0 && out->kind.reopens) { /* it may appear or become free */
                log_cause(&out->cause, "%s; trying again every second", why);
                try_again_later(out);
                return 0;
        }
        if (r < 0) {
                log_error("%s", why);
                return r;
        }
        if ((r = begin(out)) < 0)
                return r;
        log_info("virtual camera: %s, %s %ux%u", out->name, frame_fourcc_name(format->fourcc), format->width,
                 format->height);
        if (out->kind.steady && !sink_size_accepted(format->width, format->height))
                log_warning("Firefox does not offer cameras of %ux%u; it accepts 640x480 and 1280x720", format->width,
                            format->height);
        count_readers(out);
        out->sv->update(out->sv);
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct output *out = userdata;
        int r = 0;

        if (out->state == OUTPUT_OPEN)
                dispatch(out); /* to count its readers */
        else if (!out->sink)
                r = supervisor_output_open(out);
        else if ((r = begin(out)) == 0)
                count_readers(out);
        if (r < 0)
                out->sv->stop(out->sv, 1);
        return 0;
}

/* ---- begin and end ---- */

const struct output *supervisor_output_first(const struct supervisor *sv)
{
        for (unsigned i = 0; i < sv->output.count; i++)
                if (sv->output.list[i].state == OUTPUT_OPEN)
                        return &sv->output.list[i];
        return NULL;
}

int supervisor_output_init(struct supervisor *sv, struct output *out, const char *name)
{
        const struct {
                sd_event_source **source;
                sd_event_time_handler_t handler;
        } timers[] = {{&out->timer, on_timer}, {&out->retry, on_retry}};

        *out = (struct output){.sv = sv, .name = name, .kind = sink_kind(name), .cause.trouble = LOG_SINK};
        for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
                int r = sd_event_add_time(sv->event, timers[i].source, CLOCK_MONOTONIC, 0, 1000, timers[i].handler,
                                          out);
                if (r < 0 || (r = sd_event_source_set_enabled(*timers[i].source, SD_EVENT_OFF)) < 0)
                        return r;
        }
        return 0;
}

void supervisor_output_finish(struct output *out)
{
        out->events = sd_event_source_disable_unref(out->events);
        out->timer = sd_event_source_unref(out->timer);
        out->retry = sd_event_source_unref(out->retry);
        sink_close(out->sink);
}
