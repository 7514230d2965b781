#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/pipeline/effects/chain.h"
#include "daemon/pipeline/palette.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/pipeline/pixels.h"

struct pipeline {
        struct engine *engine;
        struct pipeline_events events;
        struct stats *stats;
        enum mode mode;
        struct effect_settings effect;
        struct gpu_pixels sink;

        struct gpu_buffer *upload; /* the camera's bytes */
        uint32_t upload_size;
        struct gpu_image image, scratch, work[2];
        struct gpu_labels labels;
        struct gpu_buffer *parameters;     /* what the operators read anew each time, by enum block */
        struct gpu_buffer *packed, *shown; /* the sink's bytes: on the device, for the host */
        struct gpu_buffer *labels_shown;
        struct gpu_program *in, *parse, *out;

        /* The frame under way. */
        bool flying;
        bool waits; /* `out` is submitted when its labels are there */
        bool stale; /* of a camera that is gone: not to be shown */
        uint64_t time_ns;
        unsigned flight_source; /* of which camera it is, see `source` */

        bool parsing;
        bool parses_flight;                  /* what is being parsed is the frame under way */
        uint64_t parse_since, parse_time_ns; /* when it began; the time of the frame */
        unsigned source, parsed_source;      /* counts the cameras; of which one the frame being parsed is */
        bool labelled;                       /* `labels` are of this camera */

        bool any; /* `image` holds a frame */
        bool failed, closing;
};

/* Offsets in the parameters. */
enum block { REGION, EFFECT_BLOCKS = GPU_BLOCK_ALIGN };

/* ---- recording ---- */

/* In place of the one there is, which stays where that fails: it may be submitted for the next frame.  Errors of the
 * operators are kept by the program. */
static int record_out(struct pipeline *p, uint32_t chain)
{
        const struct effect_chain_io io = {
                .in = &p->image,
                .scratch = &p->scratch,
                .work = {&p->work[0], &p->work[1]},
                .labels = &p->labels,
                .blocks = {p->parameters, EFFECT_BLOCKS},
        };
        struct gpu_program *out;

        int r = gpu_program_new(p->engine->gpu, "out", &out);
        if (r < 0)
                return r;
        op_pack(out, effect_chain_record(out, chain, &io), &p->sink, p->packed);
        op_copy(out, p->packed, p->shown, p->sink.size);
        r = gpu_program_end(out);
        if (r < 0) {
                gpu_program_free(out);
                return r;
        }
        gpu_program_free(p->out);
        p->out = out;
        return 0;
}

static int record_parse(struct pipeline *p)
{
        int r = gpu_program_new(p->engine->gpu, "parse", &p->parse);
        if (r < 0)
                return r;
        gpu_program_set_background(p->parse);
        parser_record(p->engine->parser, p->parse, &p->image, &(struct gpu_block){p->parameters, REGION}, 1,
                      &p->labels);
        op_copy(p->parse, p->labels.buffer, p->labels_shown, gpu_buffer_size(p->labels.buffer));
        return gpu_program_end(p->parse);
}

static int new_image(struct pipeline *p, const char *name, struct gpu_image *ret)
{
        *ret = (struct gpu_image){.width = p->sink.width, .height = p->sink.height};
        return gpu_buffer_new(p->engine->gpu, gpu_image_size(ret->width, ret->height), GPU_MEMORY_DEVICE, name,
                              &ret->buffer);
}

static void fill_blocks(struct pipeline *p)
{
        uint8_t colors[PALETTE_SIZE];

        palette_fill(&p->engine->model, colors);
        effect_chain_fill(&p->effect, &(struct effect_context){p->sink.width, p->sink.height, colors, false},
                          (uint8_t *)gpu_buffer_map(p->parameters) + EFFECT_BLOCKS);
}

static int new_parameters(struct pipeline *p)
{
        const struct model_info *model = &p->engine->model;

        int r = gpu_buffer_new(p->engine->gpu, EFFECT_BLOCKS + effect_chain_blocks_size(), GPU_MEMORY_UPLOAD,
                               "parameters", &p->parameters);
        if (r < 0)
                return r;
        *(struct gpu_region *)gpu_buffer_map(p->parameters) =
                gpu_region_whole(p->sink.width, p->sink.height, model->width, model->height);
        fill_blocks(p);
        return 0;
}

static int new_buffers(struct pipeline *p)
{
        struct gpu *gpu = p->engine->gpu;
        uint64_t labels = gpu_labels_size(p->sink.width, p->sink.height), packed = (p->sink.size + 3) & ~UINT64_C(3);
        int r;

        p->labels = (struct gpu_labels){.width = p->sink.width, .height = p->sink.height};
        if ((r = new_image(p, "image", &p->image)) < 0 || (r = new_image(p, "scratch", &p->scratch)) < 0 ||
            (r = new_image(p, "work", &p->work[0])) < 0 || (r = new_image(p, "work", &p->work[1])) < 0 ||
            (r = new_parameters(p)) < 0)
                return r;
        if ((r = gpu_buffer_new(gpu, labels, GPU_MEMORY_DEVICE, "labels", &p->labels.buffer)) < 0 ||
            (r = gpu_buffer_new(gpu, labels, GPU_MEMORY_READBACK, "labels shown", &p->labels_shown)) < 0 ||
            (r = gpu_buffer_new(gpu, packed, GPU_MEMORY_DEVICE, "packed", &p->packed)) < 0)
                return r;
        return gpu_buffer_new(gpu, packed, GPU_MEMORY_READBACK, "shown", &p->shown);
}

/* Each effect alone, and then the chain that is wanted. */
static int warm_effects(struct pipeline *p)
{
        int r = 0;

        for (unsigned i = 0; i < EFFECTS && r == 0; i++)
                if ((r = record_out(p, UINT32_C(1) << i)) == 0)
                        r = gpu_run(p->out);
        return r < 0 ? r : record_out(p, p->effect.chain);
}

/* Drivers compile some things only when they first run, which must not happen to the first frame. */
static int warm(struct pipeline *p, const struct frame_format *format)
{
        int r = pipeline_source(p, format);
        if (r < 0)
                return r;
        memset(gpu_buffer_map(p->upload), 0, p->upload_size);
        if ((r = gpu_run(p->in)) < 0 || (r = gpu_run(p->parse)) < 0)
                return r;
        return warm_effects(p);
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
        p->mode = options->mode;
        p->effect = options->effect;
        int r = pixels_layout(options->sink, &p->sink);
        if (r == 0)
                r = new_buffers(p);
        if (r == 0)
                r = record_parse(p);
        if (r == 0)
                r = warm(p, options->sink);
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
        gpu_program_free(p->in);
        gpu_program_free(p->parse);
        gpu_program_free(p->out);
        struct gpu_buffer *buffers[] = {p->upload,         p->image.buffer, p->scratch.buffer, p->work[0].buffer,
                                        p->work[1].buffer, p->packed,       p->labels.buffer,  p->parameters,
                                        p->shown,          p->labels_shown};
        for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
                gpu_buffer_free(buffers[i]);
        free(p);
}

/* ---- the walk ---- */

static void fail(struct pipeline *p, int error)
{
        if (p->failed || p->closing)
                return;
        p->failed = true;
        p->events.failed(p->events.userdata, error);
}

static void on_in(void *userdata, int status)
{
        if (status < 0)
                fail(userdata, status);
}

static void on_out(void *userdata, int status)
{
        struct pipeline *p = userdata;

        if (status < 0)
                fail(p, status);
        if (p->failed || p->closing)
                return;
        p->flying = false;
        if (!p->stale)
                p->events.show(p->events.userdata, gpu_buffer_map(p->shown), p->time_ns);
        p->events.ready(p->events.userdata);
}

static int submit_out(struct pipeline *p)
{
        p->waits = false;
        return gpu_submit(p->out, on_out, p);
}

static void on_parse(void *userdata, int status);

static int submit_parse(struct pipeline *p)
{
        p->parsing = true;
        p->parses_flight = true;
        p->parsed_source = p->flight_source;
        p->parse_since = stats_now();
        p->parse_time_ns = p->time_ns;
        return gpu_submit(p->parse, on_parse, p);
}

static void on_parse(void *userdata, int status)
{
        struct pipeline *p = userdata;
        uint64_t now = stats_now();
        int r = 0;

        if (status < 0)
                fail(p, status);
        if (p->failed || p->closing)
                return;
        p->parsing = false;
        p->labelled = p->parsed_source == p->source;
        stats_event(&p->stats->parsed, now);
        stats_time(&p->stats->parse, now - p->parse_since);
        if (p->labelled && p->events.parsed)
                p->events.parsed(p->events.userdata, gpu_buffer_map(p->labels_shown), p->parse_time_ns);
        if (p->flying && p->waits)
                r = p->parses_flight ? submit_out(p) : submit_parse(p);
        if (r < 0)
                fail(p, r);
}

/* `out` before `parse`: behind it, it would wait for what is submitted of it at once. */
static int submit_frame(struct pipeline *p)
{
        int r = gpu_submit(p->in, on_in, p);
        if (r < 0)
                return r;
        p->flying = true;
        p->stale = false;
        p->flight_source = p->source;
        p->any = true;
        p->parses_flight = false;
        p->waits = p->mode == MODE_EXACT || !p->labelled;
        if (!p->waits && (r = submit_out(p)) < 0)
                return r;
        return p->parsing ? 0 : submit_parse(p);
}

int pipeline_push(struct pipeline *p, const struct frame *frame)
{
        if (p->failed)
                return -ENODEV;
        if (p->flying || !p->in)
                return -EBUSY;
        memcpy(gpu_buffer_map(p->upload), frame->data, p->upload_size);
        p->time_ns = frame->time_ns;
        int r = submit_frame(p);
        if (r < 0)
                fail(p, r);
        return r;
}

bool pipeline_ready(const struct pipeline *p)
{
        return p->in && !p->flying && !p->failed;
}

/* ---- changes ---- */

void pipeline_set_mode(struct pipeline *p, enum mode mode)
{
        p->mode = mode;
}

int pipeline_set_effect(struct pipeline *p, const struct effect_settings *settings)
{
        int r = settings->chain != p->effect.chain ? record_out(p, settings->chain) : 0;

        if (r < 0)
                return r;
        p->effect = *settings;
        fill_blocks(p);
        return 0;
}

void pipeline_forget(struct pipeline *p)
{
        p->source++;
        p->labelled = false;
        p->stale = true;
}

int pipeline_source(struct pipeline *p, const struct frame_format *format)
{
        struct gpu_pixels pixels;

        int r = pixels_layout(format, &pixels);
        if (r < 0)
                return r;
        pipeline_forget(p);
        gpu_program_free(p->in);
        gpu_buffer_free(p->upload);
        p->in = NULL;
        p->upload = NULL;
        if (p->failed) /* before, or in the frame that was waited for */
                return -ENODEV;
        p->upload_size = format->size;
        r = gpu_buffer_new(p->engine->gpu, (format->size + 3) & ~UINT64_C(3), GPU_MEMORY_UPLOAD, "upload", &p->upload);
        if (r < 0 || (r = gpu_program_new(p->engine->gpu, "in", &p->in)) < 0)
                return r;
        op_unpack(p->in, p->upload, &pixels, &p->image);
        if ((r = gpu_program_end(p->in)) < 0) {
                gpu_program_free(p->in);
                p->in = NULL;
        }
        return r;
}

/* ---- looking at it ---- */

/* Runs the parser once more on the picture that is there, which in smooth mode may be newer than the labels. */
static int read_image(struct pipeline *p, uint8_t *ret)
{
        struct gpu_program *copy = NULL;
        struct gpu_buffer *buffer = NULL;
        uint64_t size = gpu_buffer_size(p->image.buffer);

        int r = gpu_run(p->parse);
        if (r == 0)
                r = gpu_buffer_new(p->engine->gpu, size, GPU_MEMORY_READBACK, "snapshot", &buffer);
        if (r == 0)
                r = gpu_program_new(p->engine->gpu, "snapshot", &copy);
        if (r == 0) {
                op_copy(copy, p->image.buffer, buffer, size);
                r = gpu_program_end(copy);
        }
        if (r == 0)
                r = gpu_run(copy);
        if (r == 0)
                memcpy(ret, gpu_buffer_map(buffer), (size_t)p->sink.width * p->sink.height * 4);
        gpu_program_free(copy);
        gpu_buffer_free(buffer);
        return r;
}

int pipeline_snapshot(struct pipeline *p, uint8_t **ret_rgba, uint8_t **ret_labels)
{
        const size_t pixels = (size_t)p->sink.width * p->sink.height;
        _cleanup_(freep) uint8_t *rgba = malloc(pixels * 4), *labels = malloc(pixels);

        if (!rgba || !labels)
                return -ENOMEM;
        if (p->failed) /* its image may be half a frame */
                return -ENODEV;
        if (!p->any)
                return -EAGAIN;
        int r = gpu_wait(p->engine->gpu);
        if (r < 0 || (r = read_image(p, rgba)) < 0)
                return r;
        memcpy(labels, gpu_buffer_map(p->labels_shown), pixels);
        *ret_rgba = rgba;
        *ret_labels = labels;
        rgba = labels = NULL;
        return 0;
}
