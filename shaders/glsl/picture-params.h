/* Parameters of the kernels that work on pictures, and of those between pictures and the network. */
#ifndef SHADERS_GLSL_PICTURE_PARAMS_H
#define SHADERS_GLSL_PICTURE_PARAMS_H

#include "shaders/glsl/params.h"

/* ---- regions to the network, labels back ---- */

struct crop_params {
        ivec2 size, image_size; /* width, height */
        int bgr;
        STRUCT(map_params) result;
        vec4 mean, inverse_std; /* the last of each is 0 */
};

/* Units of an answer's lead in a difference of 1 between logits. */
#define LEAD_SCALE 32

struct argmax_params {
        ivec2 size, logits_size; /* width, height */
        int classes;
        STRUCT(map_params) logits;
};

struct place_params {
        ivec2 size, answers_size; /* width, height */
};

/* Views, and faces, that op_place() considers at most. */
#define KEPT_MAX 8

struct part_params {
        int words; /* of the result */
        int shift; /* of the part, in bits */
};

/* ---- bytes to pictures and back ---- */

/* Pixels of a row that an invocation takes at once, from a multiple of it on: their bytes are whole words in every
 * plane. */
#define BLOCK 8

/* Specialization constants: three components, and what unpack does. */
#define LAYOUT_COMPONENTS 0
#define UNPACK_KIND 3

/* A component's constant, bit by bit: the step from sample to sample (0 and up), the byte of its first sample, its
 * plane, how many pixels share a sample each way (log2), and whether its plane begins with it. */
#define COMPONENT_FIRST 3
#define COMPONENT_PLANE 5
#define COMPONENT_SHIFT_X 7
#define COMPONENT_SHIFT_Y 9
#define COMPONENT_LEADS 11

/* UNPACK_KIND: blocks without a remainder, all bytes of which are whole words; any; sizes that differ. */
#define UNPACK_WHOLE 0
#define UNPACK_ANY 1
#define UNPACK_SCALED 2

/* Where a plane of a frame begins, and its rows; in bytes. */
struct plane_params {
        int offset, stride;
};

struct unpack_params {
        STRUCT(plane_params) planes[3];
        int bytes;               /* all of them */
        ivec2 size, source_size; /* width, height */
        vec4 rows[3];            /* red, green, blue from the components and 1 */
};

struct pack_params {
        STRUCT(plane_params) planes[3]; /* by offset; missing ones begin after all bytes */
        ivec2 size;                     /* width, height */
        vec4 rows[3];                   /* components from red, green, blue and 1 */
        int bytes;                      /* all of them */
};

/* ---- effects; what changes with a frame is in their blocks ---- */

struct effect_params {
        ivec2 size; /* width, height */
};

/* Specialization constants of guide_apply and blur_spread. */
#define GUIDE_WHOLE 0
#define BLUR_DOWN 0

/* The cells of a guided filter, see guide.glsl. */
struct guide_params {
        ivec2 size, count; /* width, height; of cells */
        int side;          /* of a cell, in pixels */
};

struct blur_params {
        ivec2 size;      /* of the picture */
        int invocations; /* which share the cells */
        int blurred;     /* the first of the blurred cells, behind those as they are */
};

struct warp_params {
        ivec2 size, image_size;
};

#ifndef VULKAN
CHECK_PUSH_CONSTANTS(crop_params);
CHECK_PUSH_CONSTANTS(argmax_params);
CHECK_PUSH_CONSTANTS(place_params);
CHECK_PUSH_CONSTANTS(part_params);
CHECK_PUSH_CONSTANTS(unpack_params);
CHECK_PUSH_CONSTANTS(pack_params);
CHECK_PUSH_CONSTANTS(effect_params);
CHECK_PUSH_CONSTANTS(guide_params);
CHECK_PUSH_CONSTANTS(blur_params);
CHECK_PUSH_CONSTANTS(warp_params);
#endif

#endif
