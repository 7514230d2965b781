/* A frame's path through the GPU, in four programs: `in` turns the camera's bytes into a picture of the virtual
 * camera's size, `take` copies it to the parser, `parse` computes its labels, `out` applies the effects and turns the
 * result into the virtual camera's bytes.
 *
 *   exact    in -> parse -> out, each frame with its own labels
 *   smooth   in -> out with the newest labels; parse runs meanwhile, on a new frame whenever the last one is done
 *
 * In both modes nothing is shown before a frame of this source has been parsed.  In smooth mode, effects that hide
 * something use no labels older than a limit (label-age in visaged.conf(5)): their frames wait for newer ones, of the
 * frame that is being parsed or else their own.
 *
 * Two frames can be in progress at a time, each in a slot of its own (slot.h), and one parse.  Nothing is allocated or
 * recorded for a frame. */
#pragma once

#include "daemon/common/config.h"
#include "daemon/common/stats.h"
#include "daemon/faces/faces.h"
#include "daemon/pipeline/engine.h"
#include "v4l2/frame.h"
#include "v4l2/memory.h"

struct pipeline;

/* What is known after a run of the network; valid during the call. */
struct pipeline_results {
        uint64_t time_ns;         /* of the frame's capture */
        const uint8_t *labels;    /* the sink's size, one byte per pixel */
        const struct face *faces; /* those present */
        size_t face_count;
};

/* All are called from gpu_dispatch() or gpu_wait(). */
struct pipeline_events {
        /* A composed frame, in the sink's format, valid during the call; `time_ns` is the time of its capture. */
        void (*show)(void *userdata, const uint8_t *frame, uint64_t time_ns);
        /* A frame has been parsed.  May be NULL. */
        void (*parsed)(void *userdata, const struct pipeline_results *results);
        void (*ready)(void *userdata); /* pipeline_push() will take a frame again */
        /* The frame that pipeline_push() has kept is no longer needed.  May be NULL if no source has memory. */
        void (*read)(void *userdata);
        /* Called once: no more frames are accepted.  Free the pipeline after the call has returned, and reopen the
         * GPU. */
        void (*failed)(void *userdata, int error);
        void *userdata;
};

struct pipeline_options {
        struct engine *engine;           /* outlives the pipeline */
        const struct frame_format *sink; /* copied */
        struct effect_settings effect;
        enum mode mode;
        uint32_t label_age_ms;
        struct pipeline_faces {
                uint32_t most, born_ms, gone_ms; /* as in struct faces_options */
        } faces;
        struct pipeline_events events;
        struct stats *stats; /* `parsed` and `parse` are counted here */
};

/* Records the programs and runs them once, which takes seconds if they have never been compiled. */
int pipeline_new(const struct pipeline_options *options, struct pipeline **ret, char *why, size_t why_size);
void pipeline_free(struct pipeline *pipeline); /* NULL is fine; waits for running programs, without callbacks */

/* Both apply to the frames pushed from now on, without waiting for those in progress.  A chain of effects is recorded
 * when it is first set, with kernels that were compiled when the pipeline was made; nothing else is.  On failure the
 * effects stay as they are. */
int pipeline_set_effect(struct pipeline *pipeline, const struct effect_settings *settings);
void pipeline_set_mode(struct pipeline *pipeline, enum mode mode, uint32_t label_age_ms);

/* Compiles what pipeline_source() records for this format, because that may take long.  May be called on another
 * thread, even while the pipeline is in use. */
int pipeline_prepare_source(const struct pipeline *pipeline, const struct frame_format *format);

/* Before the first frame of a camera that has been opened: the format of all its frames, and the memory that they are
 * in, or NULL.  If the GPU can read that memory, frames are not copied: the pipeline keeps the memory until
 * pipeline_reset(), or a little longer if a frame is being read then.  A frame of the previous camera may still be in
 * progress: see pipeline_ready().  -ENOTSUP; -ENODEV: it has failed. */
int pipeline_source(struct pipeline *pipeline, const struct frame_format *format, struct frame_memory *memory);
/* The camera is gone, and the next frames have nothing to do with the previous ones.  Frames in progress are not shown,
 * and neither their labels nor other state is used for later frames.  If the source had memory, it must be set again.
 */
void pipeline_reset(struct pipeline *pipeline);

/* How frames of the source reach the GPU: "copied". */
const char *pipeline_intake(const struct pipeline *pipeline);

bool pipeline_ready(const struct pipeline *pipeline);
bool pipeline_idle(const struct pipeline *pipeline); /* no pushed frame is still in progress */
/* Returns 0 if it has copied the frame's bytes, and 1 if it reads them where they are: then they must stay as they are
 * until `read`, or a call of pipeline_reset() or pipeline_source().  -EBUSY: not ready; -ENODEV: it has failed. */
int pipeline_push(struct pipeline *pipeline, const struct frame *frame);

/* Waits for running programs, parses the last frame and returns it: RGBA and labels, both free(), of the sink's size.
 * -EAGAIN: there has been none; -ENODEV: it has failed. */
int pipeline_snapshot(struct pipeline *pipeline, uint8_t **ret_rgba, uint8_t **ret_labels);
