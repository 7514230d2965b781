#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/pipeline/palette.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/pixels.h"
#include "daemon/pipeline/slot.h"
#include "daemon/pipeline/snapshot.h"
#include "daemon/pipeline/views.h"

enum { SLOTS = 2 }; /* one is composed while the next is filled and parsed */

struct pipeline {
        struct engine *engine;
        struct pipeline_events events;
        struct stats *stats;
        uint8_t colors[GPU_PALETTE_SIZE];

        /* For the next frame. */
        enum mode mode;
        uint64_t label_age_ns;
        struct effect_settings effect;
        unsigned source; /* as in struct frame_id */
        uint64_t number;
        uint64_t interval_ns; /* between the last two frames */
        uint32_t frame_size;  /* bytes of the newest source's frames; 0: there is none */
        struct import import; /* of its memory */
        struct slot *reading; /* whose `in` reads that memory; NULL: none */

        struct parse parse;
        struct views views;
        struct slot_tools tools;
        struct slot slots[SLOTS];
        struct slot *last; /* to get a frame; NULL: none yet */

        /* The last composed frame: what effects keep is only valid for the next one of the same camera and chain. */
        struct {
                unsigned source;
                uint32_t chain;
        } composed;

        bool failed, closing;
};

static struct slot *find(struct pipeline *p, enum slot_state state)
{
        for (int i = 0; i < SLOTS; i++)
                if (p->slots[i].state == state)
                        return &p->slots[i];
        return NULL;
}

static bool any(const struct pipeline *p, enum slot_state state)
{
        bool found = false;

        for (int i = 0; i < SLOTS; i++)
                found |= p->slots[i].state == state;
        return found;
}

static void fail(struct pipeline *p, int error)
{
        if (p->failed || p->closing)
                return;
        p->failed = true;
        p->events.failed(p->events.userdata, error);
}

/* Whether to continue after a program has run. */
static bool went_well(struct pipeline *p, int status)
{
        if (status < 0)
                fail(p, status);
        return !p->failed && !p->closing;
}

/* ---- a frame's path, from top to bottom ---- */

static int submit(struct pipeline *p, struct slot *slot, const struct frame *frame);

/* A longer pause says nothing about the camera's rate. */
#define INTERVAL_MOST UINT64_C(100000000)

static void take_interval(struct pipeline *p, uint64_t time_ns)
{
        const struct frame_id *before = p->last ? &p->last->id : NULL;
        const bool follows = before && before->source == p->source && time_ns > before->time_ns;

        p->interval_ns = follows ? time_ns - before->time_ns : 0;
        if (p->interval_ns > INTERVAL_MOST)
                p->interval_ns = INTERVAL_MOST;
}

int pipeline_push(struct pipeline *p, const struct frame *frame)
{
        if (p->failed)
                return -ENODEV;
        if (!pipeline_ready(p))
                return -EBUSY;
        take_interval(p, frame->time_ns);
        struct slot *slot = p->last = find(p, SLOT_FREE);
        slot->id = (struct frame_id){p->source, ++p->number, frame->time_ns};
        slot->effect = p->effect;
        int r = submit(p, slot, frame);
        if (r < 0)
                fail(p, r);
        return r < 0 ? r : p->reading == slot;
}

/* Whether the labels that are there are good enough for the frame. */
static bool labels_serve(const struct pipeline *p, const struct slot *slot)
{
        const struct frame_id *labelled = &p->parse.labelled;

        if (p->mode == MODE_EXACT || labelled->source != slot->id.source)
                return labelled->number == slot->id.number;
        return !effect_chain_hides(slot->effect.chain) ||
               slot->id.time_ns <= views_oldest_ns(&p->views) + p->label_age_ns;
}

static void on_step(void *userdata, int status)
{
        struct slot *slot = userdata;

        went_well(slot->pipeline, status);
}

static int take(struct pipeline *p, struct slot *slot);
static int parse(struct pipeline *p);
static int compose(struct pipeline *p, struct slot *slot);

/* The image goes to the parser if that is free.  `out` is submitted first, or it would wait for the first segments of
 * `parse`.  If the labels that are there do not serve, the frame waits: for its own, or, while another frame is parsed,
 * until those are there. */
static int go_on(struct pipeline *p, struct slot *slot)
{
        const bool parses = !p->parse.running, serve = labels_serve(p, slot);
        int r = 0;

        slot->state = parses ? SLOT_PARSING : SLOT_WAITING;
        if (parses)
                r = take(p, slot);
        if (r == 0 && serve)
                r = compose(p, slot);
        return r == 0 && parses ? parse(p) : r;
}

static void on_read(void *userdata, int status);

/* The camera lacks one buffer at most: a frame that comes before the last one has been read is copied. */
static int submit(struct pipeline *p, struct slot *slot, const struct frame *frame)
{
        int r;

        if (p->import.count > 0 && !p->reading) {
                p->reading = slot;
                r = gpu_submit(slot->in_place[frame->index], on_read, slot);
        } else {
                memcpy(gpu_buffer_map(slot->upload), frame->data, p->frame_size);
                r = gpu_submit(slot->in, on_step, slot);
        }
        return r < 0 ? r : go_on(p, slot);
}

static void drop_import(struct pipeline *p);

/* The camera may have its buffer back, unless the camera is gone. */
static void on_read(void *userdata, int status)
{
        struct slot *slot = userdata;
        struct pipeline *p = slot->pipeline;
        const bool expected = p->reading == slot; /* otherwise the source is being dropped */

        p->reading = NULL;
        if (!went_well(p, status) || !expected)
                return;
        if (slot->id.source != p->source)
                drop_import(p);
        else
                p->events.read(p->events.userdata);
}

/* The greatest age of faces' views that a view of the whole picture leaves alone.  0: the network must see all of the
 * frame, because the frame needs its own labels, or because an effect hides something and some labels in the map would
 * be too old for it before the whole picture is seen again: that takes this parse, the time to the next frame, and the
 * parse of that one. */
static uint64_t may_keep_ns(const struct pipeline *p, const struct slot *slot)
{
        const bool hides = effect_chain_hides(slot->effect.chain);

        if (!labels_serve(p, slot) || (hides && slot->id.time_ns + 2 * p->parse.duration_ns + p->interval_ns >
                                                        views_oldest_ns(&p->views) + p->label_age_ns))
                return 0;
        return hides && p->label_age_ns < VIEWS_KEEP_NS ? p->label_age_ns : VIEWS_KEEP_NS;
}

/* What the network will see of the frame. */
static void look(struct pipeline *p, struct slot *slot, uint64_t keep_ns)
{
        struct gpu_view view;

        views_choose(&p->views, slot->id.time_ns, p->parse.labelled.source != slot->id.source, keep_ns, &view);
        slot_set_view(slot, &view);
        p->parse.taken = slot->id;
}

static int take(struct pipeline *p, struct slot *slot)
{
        look(p, slot, may_keep_ns(p, slot));
        return gpu_submit(slot->take, on_step, slot);
}

static void on_parsed(void *userdata, int status);

static int parse(struct pipeline *p)
{
        p->parse.running = true;
        p->parse.since = stats_now();
        return gpu_submit(p->parse.program, on_parsed, p);
}

static void tell(struct pipeline *p)
{
        struct face faces[FACES_MAX];
        const struct pipeline_results results = {
                .time_ns = p->parse.labelled.time_ns,
                .labels = gpu_buffer_map(p->parse.labels_read),
                .faces = faces,
                .face_count = faces_list(p->views.faces, faces),
        };

        if (p->events.parsed)
                p->events.parsed(p->events.userdata, &results);
}

static void take_labels(struct pipeline *p)
{
        const uint64_t now = stats_now();

        p->parse.running = false;
        p->parse.labelled = p->parse.taken;
        p->parse.duration_ns = now - p->parse.since;
        stats_event(&p->stats->parsed, now);
        stats_time(&p->stats->parse, p->parse.duration_ns);
        if (p->parse.labelled.source != p->source)
                return;
        views_take(&p->views, gpu_buffer_map(p->parse.answers_read));
        tell(p);
}

/* Continues with the frame that these labels belong to, and then with the one that waits, if any. */
static void on_parsed(void *userdata, int status)
{
        struct pipeline *p = userdata;
        struct slot *parsed = find(p, SLOT_PARSING), *waiting = find(p, SLOT_WAITING);
        int r = 0;

        if (!went_well(p, status))
                return;
        take_labels(p);
        if (parsed)
                r = compose(p, parsed);
        if (r == 0 && waiting)
                r = go_on(p, waiting);
        if (r < 0)
                fail(p, r);
        else if (pipeline_ready(p))
                p->events.ready(p->events.userdata);
}

static void on_composed(void *userdata, int status);

/* Frames get here in order: none is accepted while another waits for its labels. */
static int compose(struct pipeline *p, struct slot *slot)
{
        const struct effect_context context = {
                .width = p->tools.sink.width,
                .height = p->tools.sink.height,
                .colors = p->colors,
                .fresh = p->composed.source != slot->id.source || p->composed.chain != slot->effect.chain,
        };

        slot->state = SLOT_COMPOSING;
        p->composed.source = slot->id.source;
        p->composed.chain = slot->effect.chain;
        slot_fill(slot, &context);
        return gpu_submit(slot_out(slot, slot->effect.chain), on_composed, slot);
}

static void on_composed(void *userdata, int status)
{
        struct slot *slot = userdata;
        struct pipeline *p = slot->pipeline;

        if (!went_well(p, status))
                return;
        if (slot->id.source == p->source)
                p->events.show(p->events.userdata, gpu_buffer_map(slot->shown), slot->id.time_ns);
        slot->state = SLOT_FREE;
        if (pipeline_ready(p))
                p->events.ready(p->events.userdata);
}

/* ---- readiness ---- */

/* No frame is accepted while another waits for labels: it would only grow old. */
bool pipeline_ready(const struct pipeline *p)
{
        return p->frame_size && !p->failed && any(p, SLOT_FREE) && !any(p, SLOT_WAITING) && !any(p, SLOT_PARSING);
}

bool pipeline_idle(const struct pipeline *p)
{
        return !any(p, SLOT_WAITING) && !any(p, SLOT_PARSING) && !any(p, SLOT_COMPOSING);
}

/* ---- changes, for the next frame ---- */

void pipeline_set_mode(struct pipeline *p, enum mode mode, uint32_t label_age_ms)
{
        p->mode = mode;
        p->label_age_ns = UINT64_C(1000000) * label_age_ms;
}

static int add_chain(struct pipeline *p, uint32_t chain)
{
        int r = 0;

        for (int i = 0; i < SLOTS && r == 0; i++)
                r = slot_add_chain(&p->slots[i], &p->tools, chain);
        return r;
}

int pipeline_set_effect(struct pipeline *p, const struct effect_settings *settings)
{
        int r = add_chain(p, settings->chain);
        if (r == 0)
                p->effect = *settings;
        return r;
}

/* Waits for a program that reads the camera's memory. */
static void drop_import(struct pipeline *p)
{
        p->reading = NULL;
        for (int i = 0; i < SLOTS; i++)
                slot_drop_import(&p->slots[i]);
        import_finish(&p->import, p->engine->gpu);
}

void pipeline_reset(struct pipeline *p)
{
        p->source++;
        views_reset(&p->views);
        if (p->import.count == 0)
                return;
        p->frame_size = 0;
        if (!p->reading) /* otherwise on_read() does it */
                drop_import(p);
}

/* The buffers only stand in for those of the slots. */
int pipeline_prepare_source(const struct pipeline *p, const struct frame_format *format)
{
        struct gpu_pixels pixels;
        struct gpu_program *program;

        int r = pixels_layout(format, &pixels);
        if (r < 0 || (r = gpu_program_new(p->engine->gpu, "prepare", &program)) < 0)
                return r;
        gpu_program_only_compile(program);
        r = op_unpack(program, p->tools.packed, &pixels, &p->tools.work[0]);
        gpu_program_free(program);
        return r;
}

/* Waits for a program that reads a frame of the source. */
static void drop_source(struct pipeline *p)
{
        drop_import(p);
        for (int i = 0; i < SLOTS; i++)
                slot_drop_source(&p->slots[i]);
        p->frame_size = 0;
}

static int set_memory(struct pipeline *p, const struct gpu_pixels *pixels, struct frame_memory *memory)
{
        drop_source(p);
        int r = import_init(&p->import, p->engine->gpu, memory);
        for (int i = 0; i < SLOTS && r == 0; i++)
                r = slot_set_source(&p->slots[i], &p->tools, pixels, &p->import);
        return r;
}

static int set_source(struct pipeline *p, const struct frame_format *format, struct frame_memory *memory)
{
        struct gpu_pixels pixels;

        int r = pixels_layout(format, &pixels);
        if (r < 0)
                return r;
        pipeline_reset(p);
        r = set_memory(p, &pixels, memory);
        if (r < 0 && r != -ENODEV && p->import.count > 0) /* what is copied may still work */
                r = set_memory(p, &pixels, NULL);
        if (r == 0)
                p->frame_size = format->size;
        else
                drop_source(p);
        return r;
}

int pipeline_source(struct pipeline *p, const struct frame_format *format, struct frame_memory *memory)
{
        int r = set_source(p, format, memory);
        if (r == -ENODEV)
                fail(p, r);
        return p->failed ? -ENODEV : r; /* before, or in a frame that was waited for */
}

const char *pipeline_intake(const struct pipeline *p)
{
        return import_text(&p->import);
}

int pipeline_snapshot(struct pipeline *p, uint8_t **ret_rgba, uint8_t **ret_labels)
{
        const size_t pixels = (size_t)p->tools.sink.width * p->tools.sink.height;
        _cleanup_(freep) uint8_t *rgba = malloc(pixels * 4), *labels = malloc(pixels);

        if (!rgba || !labels)
                return -ENOMEM;
        if (p->failed) /* its image may be incomplete */
                return -ENODEV;
        if (!p->last)
                return -EAGAIN;
        int r = gpu_wait(p->engine->gpu);
        if (r == 0 && p->parse.labelled.number != p->last->id.number) {
                look(p, p->last, 0);
                if ((r = gpu_run(p->last->take)) == 0 && (r = gpu_run(p->parse.program)) == 0 &&
                    p->last->id.source == p->source)
                        views_take(&p->views, gpu_buffer_map(p->parse.answers_read));
        }
        if (r < 0 || (r = snapshot_read(p->engine->gpu, &p->parse.image, rgba)) < 0)
                return r;
        p->parse.labelled = p->last->id;
        memcpy(labels, gpu_buffer_map(p->parse.labels_read), pixels);
        *ret_rgba = rgba;
        *ret_labels = labels;
        rgba = labels = NULL;
        return 0;
}

/* ---- begin and end ---- */

/* Some drivers compile a program when it first runs, which must not delay the first frame.  Every effect is run alone,
 * and with that every part of any chain. */
static int warm(struct pipeline *p)
{
        struct slot *slot = &p->slots[0];
        int r;

        memset(gpu_buffer_map(slot->upload), 0, gpu_buffer_size(slot->upload));
        look(p, slot, 0);
        if ((r = gpu_run(slot->in)) < 0 || (r = gpu_run(slot->take)) < 0 || (r = gpu_run(p->parse.program)) < 0)
                return r;
        for (unsigned i = 0; i < EFFECTS && r == 0; i++)
                if ((r = slot_add_chain(slot, &p->tools, UINT32_C(1) << i)) == 0)
                        r = gpu_run(slot_out(slot, UINT32_C(1) << i));
        return r;
}

static int prepare(struct pipeline *p, const struct frame_format *sink, const struct pipeline_faces *faces)
{
        const struct views_options views = {
                .model = &p->engine->model,
                .width = sink->width,
                .height = sink->height,
                .faces_most = faces->most,
                .born_ns = UINT64_C(1000000) * faces->born_ms,
                .gone_ns = UINT64_C(1000000) * faces->gone_ms,
        };
        struct gpu_pixels pixels;
        int r;

        palette_fill(&p->engine->model, p->colors);
        if ((r = pixels_layout(sink, &pixels)) < 0 ||
            (r = slot_tools_init(&p->tools, p->engine->gpu, &pixels, &p->parse)) < 0 ||
            (r = parse_init(&p->parse, p->engine, sink->width, sink->height)) < 0 ||
            (r = views_init(&p->views, &views)) < 0)
                return r;
        for (int i = 0; i < SLOTS && r == 0; i++) {
                r = slot_init(&p->slots[i], &p->tools);
                p->slots[i].pipeline = p;
        }
        if (r < 0 || (r = set_source(p, sink, NULL)) < 0 || (r = add_chain(p, p->effect.chain)) < 0)
                return r;
        return warm(p);
}

int pipeline_new(const struct pipeline_options *options, struct pipeline **ret, char *why, size_t why_size)
{
        struct pipeline *p = calloc(1, sizeof *p);
        if (!p) {
                snprintf(why, why_size, "out of memory");
                return -ENOMEM;
        }
        p->engine = options->engine;
        p->events = options->events;
        p->stats = options->stats;
        p->effect = options->effect;
        pipeline_set_mode(p, options->mode, options->label_age_ms);
        int r = prepare(p, options->sink, &options->faces);
        if (r < 0) {
                snprintf(why, why_size, "the GPU cannot be set up for pictures of %ux%u: %s", options->sink->width,
                         options->sink->height, strerror(-r));
                pipeline_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

void pipeline_free(struct pipeline *p)
{
        if (!p)
                return;
        p->closing = true;
        gpu_wait(p->engine->gpu);
        for (int i = 0; i < SLOTS; i++)
                slot_finish(&p->slots[i]);
        import_finish(&p->import, p->engine->gpu);
        parse_finish(&p->parse);
        slot_tools_finish(&p->tools);
        views_finish(&p->views);
        free(p);
}
