/* What the functions of an effect's row are given of a frame. */
#pragma once

#include "daemon/pipeline/effects/effect.h"
#include "shaders/image.h"

/* The input for a frame's blocks. */
struct effect_context {
        uint32_t width, height; /* of the picture */
        const uint8_t *colors;  /* 256 of RGBA: opaque for classes, transparent for the rest */
        bool labels_old;        /* they may be wrong because something has moved: hide everything */
        bool fresh;             /* the effect's state is undefined: nothing is known of an earlier frame */
};

/* The images have the same size and are distinct; `in` must not change. */
struct effect_io {
        const struct gpu_image *in, *out;
        struct gpu_buffer *scratch;      /* scratch_size() bytes or more; other effects use it, too */
        const struct gpu_labels *labels; /* of `in` */
        const struct gpu_mask *mask;     /* its edges on the picture's; undefined unless the effect is `soft` */
        struct gpu_buffer *state;        /* as the frame before has left it; NULL: no state_size() */
        struct gpu_block block;          /* what fill() has written for the current frame */
};
