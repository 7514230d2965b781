/* A frame's slot: all that belongs to one frame between the camera and the virtual camera, and the programs that work
 * on it, recorded once.  What differs from frame to frame is data: the slot's bytes and its parameters. */
#pragma once

#include "daemon/pipeline/effects/chain.h"
#include "daemon/pipeline/import.h"
#include "daemon/pipeline/parse.h"

enum slot_state {
        SLOT_FREE,
        SLOT_WAITING,   /* for the parse of an earlier frame */
        SLOT_PARSING,   /* its own labels are being computed */
        SLOT_COMPOSING, /* on its way out */
};

/* A chain of effects, then the virtual camera's bytes. */
struct slot_out {
        uint32_t chain;
        struct gpu_program *program;
};

struct slot {
        struct pipeline *pipeline; /* for the functions that programs call back */
        enum slot_state state;
        struct frame_id id;
        struct effect_settings effect;

        struct gpu_buffer *upload; /* the camera's bytes, if they are copied */
        struct gpu_image image;
        struct gpu_buffer *parameters; /* a struct gpu_view; from GPU_VIEW_SIZE on the effects' blocks */
        struct gpu_buffer *shown;      /* the virtual camera's bytes, for the host */

        struct gpu_program *in_place[FRAME_BUFFERS_MAX]; /* bytes to image: from each of the camera's buffers */
        struct gpu_program *in;                          /* and from `upload` */
        struct gpu_program *take;                        /* image and view to the parser */
        struct slot_out *out;                            /* for each chain that has been set */
        size_t out_count;
};

/* What all slots use, one frame after the other. */
struct slot_tools {
        struct gpu *gpu;
        struct gpu_pixels sink;
        struct parse *parse;
        struct gpu_image work[2];
        struct gpu_mask guided;
        struct gpu_buffer *scratch;         /* of effects */
        struct gpu_buffer *states[EFFECTS]; /* of effects that keep one */
        struct gpu_buffer *packed;          /* the virtual camera's bytes, on the device */
};

/* On failure of these, finish what there is. */
int slot_tools_init(struct slot_tools *tools, struct gpu *gpu, const struct gpu_pixels *sink, struct parse *parse);
void slot_tools_finish(struct slot_tools *tools);
int slot_init(struct slot *slot, const struct slot_tools *tools);
void slot_finish(struct slot *slot);

/* For the frames of another camera, which are in `import`, if that has buffers, or copied.  The slot must
 * have no source before, and has none on failure (negative errno). */
int slot_set_source(struct slot *slot, const struct slot_tools *tools, const struct gpu_pixels *pixels,
                    const struct import *import);
void slot_drop_source(struct slot *slot);
void slot_drop_import(struct slot *slot); /* only what reads in `import` */

/* Records a chain unless that has been done. */
int slot_add_chain(struct slot *slot, const struct slot_tools *tools, uint32_t chain);

/* The program of a chain; NULL: it was not added. */
struct gpu_program *slot_out(const struct slot *slot, uint32_t chain);

/* Sets what the parser will see of the picture when `take` runs. */
void slot_set_view(struct slot *slot, const struct gpu_view *view);

/* Writes the blocks of the slot's effects. */
void slot_fill(struct slot *slot, const struct effect_context *context);
