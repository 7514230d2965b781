/* What all outputs have in common: the current frame, and whether anybody watches. */
#define LOG_COMPONENT "virtual-camera"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/service/parts.h"

/* The camera stays on this long after the last reader has left: browsers come back when a page is reloaded. */
#define LINGER_USEC 3000000

/* ---- who watches ---- */

static int on_linger(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct supervisor *sv = userdata;

        sv->output.watched = false;
        log_info("nobody watches");
        sv->update(sv);
        return 0;
}

unsigned supervisor_outputs_readers(const struct supervisor *sv)
{
        unsigned n = 0;

        for (unsigned i = 0; i < sv->output.count; i++) {
                const int readers = sv->output.list[i].readers;
                n += readers < 0 ? 1 : readers; /* if they cannot be counted, there may be some */
        }
        return n;
}

static bool has_viewers(const struct output_part *all)
{
        for (unsigned i = 0; i < all->count; i++)
                if (all->list[i].kind.steady && all->list[i].readers != 0)
                        return true;
        return false;
}

void supervisor_outputs_update(struct supervisor *sv)
{
        struct output_part *all = &sv->output;
        bool any = supervisor_outputs_readers(sv) > 0;
        int lingers = SD_EVENT_OFF;

        sd_event_source_get_enabled(all->linger, &lingers);
        if (!supervisor_output_first(sv)) {
                sd_event_source_set_enabled(all->linger, SD_EVENT_OFF);
                all->watched = all->live = false;
        } else if (any) {
                if (!all->watched && has_viewers(all))
                        log_info("somebody watches");
                sd_event_source_set_enabled(all->linger, SD_EVENT_OFF);
                all->watched = true;
        } else if (all->watched && lingers == SD_EVENT_OFF) { /* updates do not prolong it */
                sd_event_source_set_time_relative(all->linger, LINGER_USEC);
                sd_event_source_set_enabled(all->linger, SD_EVENT_ONESHOT);
        }
}

/* ---- their state as text ---- */

const char *supervisor_outputs_trouble(const struct supervisor *sv)
{
        const struct output_part *all = &sv->output;

        for (unsigned i = 0; i < all->count; i++)
                if (all->list[i].cause.count > 0)
                        return all->list[i].cause.text;
        return "";
}

void supervisor_outputs_names(const struct supervisor *sv, char *ret, size_t size)
{
        const struct output_part *all = &sv->output;
        size_t n = 0;

        *ret = '\0';
        for (unsigned i = 0; i < all->count && n < size; i++)
                if (all->list[i].state == OUTPUT_OPEN)
                        n += snprintf(ret + n, size - n, "%s%.200s", n ? " and " : "", all->list[i].name);
}

/* ---- what is shown ---- */

bool supervisor_outputs_compose(struct supervisor *sv, const uint8_t *frame, uint64_t time_ns)
{
        struct output_part *all = &sv->output;
        bool first = !all->live;

        if (!supervisor_output_first(sv))
                return false;
        memcpy(all->frame, frame, all->format.size);
        all->frame_time = time_ns;
        all->counted = false;
        all->live = true;
        for (unsigned i = 0; i < all->count; i++)
                supervisor_output_offer(&all->list[i]);
        return first && all->live;
}

void supervisor_outputs_placeholder(struct supervisor *sv)
{
        struct output_part *all = &sv->output;

        if (!all->live)
                return;
        all->live = false;
        for (unsigned i = 0; i < all->count; i++)
                supervisor_output_withdraw(&all->list[i]);
}

void supervisor_outputs_say(struct supervisor *sv, const char *caption)
{
        placeholder_task_say(&sv->output.placeholder, caption);
}

/* ---- begin and end ---- */

int supervisor_outputs_prepare(struct supervisor *sv)
{
        const struct frame_rate rate = sv->config.rate;
        struct output_part *all = &sv->output;

        all->interval = 1000000000ull * rate.denominator / rate.numerator;
        int r = sd_event_add_time(sv->event, &all->linger, CLOCK_MONOTONIC, 0, 1000, on_linger, sv);
        if (r == 0)
                r = sd_event_source_set_enabled(all->linger, SD_EVENT_OFF);
        for (unsigned i = 0; r == 0 && i < CONFIG_OUTPUTS_MAX && sv->config.virtual_camera[i][0]; i++)
                r = supervisor_output_init(sv, &all->list[all->count++], sv->config.virtual_camera[i]);
        return r;
}

int supervisor_outputs_open(struct supervisor *sv)
{
        int r = 0;

        for (unsigned i = 0; r == 0 && i < sv->output.count; i++)
                r = supervisor_output_open(&sv->output.list[i]);
        return r;
}

void supervisor_outputs_leave(struct supervisor *sv)
{
        supervisor_outputs_say(sv, "visaged has ended");
        placeholder_task_wait(&sv->output.placeholder);
        for (unsigned i = 0; i < sv->output.count; i++)
                supervisor_output_leave(&sv->output.list[i]);
}

void supervisor_outputs_finish(struct supervisor *sv)
{
        struct output_part *all = &sv->output;

        for (unsigned i = 0; i < all->count; i++)
                supervisor_output_finish(&all->list[i]);
        all->linger = sd_event_source_unref(all->linger);
        placeholder_task_finish(&all->placeholder);
        free(all->frame);
}
