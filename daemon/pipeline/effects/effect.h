/* An effect: what becomes of a picture and its labels.  Each is a file of this folder, with its row, its options' rows
 * and its recording beside each other, and a name in the list of meson.build; all that tells of effects anywhere
 * (configuration, bus, command lines, completions, man pages) is made from these rows. */
#pragma once

#include "shaders/image.h"

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
        const char *name; /* of no other option of any effect: it is a key of the configuration too */
        enum effect_type type;
        double low, high, default_value;
        const char *unit; /* "pixels"; "": a plain number */
        const char *help; /* a phrase: "the strength of the blur" */
};

/* What a frame's blocks are filled from. */
struct effect_context {
        uint32_t width, height; /* of the picture */
        const uint8_t *colors;  /* 256 of RGBA: a class's is opaque, what is no class's is transparent */
        bool labels_old;        /* they may be wrong where something has moved: hide everything */
};

/* The images are of one size, and different ones; `in` stays as it is. */
struct effect_io {
        const struct gpu_image *in, *scratch, *out;
        const struct gpu_labels *labels; /* of `in` */
        struct gpu_block block;          /* what fill() has written for the frame that is being shown */
};

struct effect {
        const char *name;
        const char *help;                                     /* a phrase: "the picture, its background blurred" */
        const char *details;                                  /* sentences for the manual; may be "" */
        bool hides;                                           /* something, by its labels */
        struct effect_option options[EFFECT_OPTIONS_MAX + 1]; /* ended by one without a name */

        /* The numbers that it works with: written for each frame, read by its operators when they run.  Nothing else
         * may depend on the options or the frame.  0: there are none, and no fill(). */
        uint32_t block_size; /* EFFECT_BLOCK_MAX at most */
        void (*fill)(const struct effect_context *context, const double *options, void *block);

        /* Appends its operators, once; errors are kept by the program.  NULL: it shows the picture as it is, and stands
         * alone. */
        void (*record)(struct gpu_program *program, const struct effect_io *io);
};

extern const struct effect *const effects[EFFECTS]; /* in the order in which they are applied */
