/* An effect turns a picture and its labels into what is shown.  Each effect is a file in this folder, which has its
 * row, the rows of its options and its recording, and a name in the list in meson.build.  Everything about effects
 * elsewhere (configuration, bus, command lines, completions, man pages) is made from these rows, and needs to know
 * nothing about the GPU. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EFFECT_OPTIONS_MAX 4 /* of an effect */
#define EFFECT_BLOCK_MAX 1024

enum effect_id {
#define EFFECT(name) EFFECT_##name,
#include "daemon/pipeline/effects/list.h"
#undef EFFECT
        EFFECTS
};

enum effect_type { EFFECT_NUMBER, EFFECT_TYPES };

/* Every value is kept as a double. */
extern const struct effect_type_words {
        const char *name; /* "number" */
        const char *bus;  /* its type there, "d" */
} effect_types[EFFECT_TYPES];

struct effect_option {
        const char *name; /* unique among all effects, because it is also a key of the configuration */
        enum effect_type type;
        double low, high, default_value;
        const char *unit; /* "pixels"; "": a plain number */
        const char *help; /* a phrase: "the opacity of the colours" */
};

struct gpu_program;
struct effect_context; /* frame.h */
struct effect_io;

struct effect {
        const char *name;
        const char *help;                                     /* a phrase: "the picture, its background blurred" */
        const char *details;                                  /* sentences for the manual; may be "" */
        bool hides;                                           /* it uses the labels or the mask to hide something */
        bool soft;                                            /* it uses the mask */
        struct effect_option options[EFFECT_OPTIONS_MAX + 1]; /* ended by one without a name */

        /* Its parameters: written for each frame, read by its operators when they run.  Nothing else may depend on the
         * options or the frame.  0: there are none, and no fill(). */
        uint32_t block_size; /* at most EFFECT_BLOCK_MAX */
        void (*fill)(const struct effect_context *context, const double *options, void *block);

        /* Bytes of `scratch` for pictures of a size.  NULL: none. */
        uint64_t (*scratch_size)(uint32_t width, uint32_t height);

        /* Bytes of its own that it keeps from frame to frame, for pictures of a size.  NULL: none.  There is one state,
         * not one for each frame in progress: frames are composed one after the other, in the order of their capture,
         * so the operators read what the previous frame wrote, and may write in place.  fill() is told when the state
         * is fresh, and tells the operators in the block.  They must not read it then, not even with a weight of 0,
         * because it may hold NaNs. */
        uint64_t (*state_size)(uint32_t width, uint32_t height);

        /* Appends its operators, once; the program stores errors.  NULL: it shows the picture unchanged, and cannot be
         * combined. */
        void (*record)(struct gpu_program *program, const struct effect_io *io);
};

extern const struct effect *const effects[EFFECTS]; /* in the order in which they are applied */
