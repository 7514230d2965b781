/* In `exact` mode a composed frame is kept until it is due, so that what is shown moves as evenly as what was captured,
 * however long each frame was parsed.  In `smooth` mode it is shown at once.  Frames are shown in the order in which
 * they come. */
#define LOG_COMPONENT "virtual-camera"

#include <stdlib.h>
#include <string.h>

#include "daemon/service/parts.h"

/* Without the frames of a run that was to show only so many. */
static bool is_due(const struct supervisor *sv, uint64_t now)
{
        const struct playout_part *p = &sv->playout;
        const uint64_t wanted = sv->options->frames;

        return p->count > 0 && now >= p->captured[p->first] + p->delay.ns &&
               (wanted == 0 || sv->stats.shown.count < wanted);
}

static void show(struct supervisor *sv, const uint8_t *frame, uint64_t captured)
{
        if (supervisor_outputs_compose(sv, frame, captured))
                sv->update(sv);
}

static uint8_t *place(const struct playout_part *p, unsigned i)
{
        return p->frames + (size_t)i * p->format.size;
}

static void show_oldest(struct supervisor *sv)
{
        struct playout_part *p = &sv->playout;
        const unsigned i = p->first;

        p->first = (i + 1) % PLAYOUT_MOST;
        p->count--;
        if (frame_format_equal(&p->format, &sv->output.format)) /* no output may have been open meanwhile */
                show(sv, place(p, i), p->captured[i]);
}

static void show_due(struct supervisor *sv, uint64_t now)
{
        struct playout_part *p = &sv->playout;

        while (is_due(sv, now))
                show_oldest(sv);
        sd_event_source_set_enabled(p->timer, p->count > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        if (p->count > 0)
                sd_event_source_set_time(p->timer, (p->captured[p->first] + p->delay.ns) / 1000 + 1);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;

        show_due(sv, stats_now());
        if (sv->ending)
                sv->update(sv);
        return 0;
}

/* If all places are taken, the oldest frame cannot wait any longer, nor can those after it. */
static void hold(struct supervisor *sv, const uint8_t *frame, uint64_t captured, uint64_t now)
{
        struct playout_part *p = &sv->playout;

        if (p->count == PLAYOUT_MOST) {
                delay_limit(&p->delay, now - p->captured[p->first]);
                show_oldest(sv);
        }
        const unsigned i = (p->first + p->count++) % PLAYOUT_MOST;
        p->captured[i] = captured;
        memcpy(place(p, i), frame, p->format.size);
}

void supervisor_playout_take(struct supervisor *sv, const uint8_t *frame, uint64_t captured)
{
        const uint64_t now = stats_now();

        if (!sv->playout.frames) {
                show(sv, frame, captured);
                return;
        }
        delay_take(&sv->playout.delay, captured, now);
        hold(sv, frame, captured, now);
        show_due(sv, now);
}

bool supervisor_playout_is_empty(const struct supervisor *sv)
{
        return sv->playout.count == 0;
}

void supervisor_playout_flush(struct supervisor *sv)
{
        while (is_due(sv, UINT64_MAX))
                show_oldest(sv);
}

void supervisor_playout_drop(struct supervisor *sv)
{
        struct playout_part *p = &sv->playout;

        p->count = 0;
        p->delay = (struct delay){0};
        sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
}

void supervisor_playout_follow(struct supervisor *sv)
{
        struct playout_part *p = &sv->playout;
        const bool exact = sv->config.mode == MODE_EXACT;

        if (exact && p->frames && frame_format_equal(&p->format, &sv->output.format))
                return;
        supervisor_playout_flush(sv);
        supervisor_playout_drop(sv);
        free(p->frames);
        p->format = sv->output.format;
        p->frames = exact ? malloc(PLAYOUT_MOST * (size_t)p->format.size) : NULL;
        if (exact && !p->frames)
                log_warning("out of memory: in exact mode, frames are shown as soon as they are ready");
}

int supervisor_playout_prepare(struct supervisor *sv)
{
        sd_event_source **timer = &sv->playout.timer;

        int r = sd_event_add_time(sv->event, timer, CLOCK_MONOTONIC, 0, 1000, on_timer, sv);
        return r < 0 ? r : sd_event_source_set_enabled(*timer, SD_EVENT_OFF);
}

void supervisor_playout_finish(struct supervisor *sv)
{
        sv->playout.timer = sd_event_source_unref(sv->playout.timer);
        free(sv->playout.frames);
}
