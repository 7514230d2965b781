/* What the functions of an effect's row get to know about a frame. */
#pragma once

#include "daemon/pipeline/effects/effect.h"
#include "shaders/image.h"

/* The input for a frame's blocks. */
struct effect_context {
        uint32_t width, height; /* of the picture */
        const uint8_t *colors;  /* 256 RGBA colours: opaque for classes, transparent for the rest */
        bool fresh;             /* the effect's state is undefined: nothing is known of an earlier frame */
};

/* The images have the same size and are distinct; `in` must not change. */
struct effect_io {
        const struct gpu_image *in, *out;
        struct gpu_buffer *scratch;      /* scratch_size() bytes or more, shared with other effects */
        const struct gpu_labels *labels; /* of `in` */
        const struct gpu_mask *mask;     /* aligned to the edges of `in`; undefined unless the effect is `soft` */
        struct gpu_buffer *state;        /* as the previous frame left it; NULL: no state_size() */
        struct gpu_block block;          /* what fill() has written for the current frame */
};
