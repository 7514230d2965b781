/* What hosts and kernels share: the parameters that a kernel takes, and the sizes by which work is divided.  C and GLSL
 * both read this header and those beside it, so all of it is declared once.
 *
 * In C the types are aligned as std430 aligns them, and so both languages place a member at the same offset.
 * tests/shaders/test_params.py compares the two for every compiled kernel.  There is no vec3: std430 aligns it like a
 * vec4 but makes it as long as three floats, which C cannot say. */
#ifndef SHADERS_GLSL_PARAMS_H
#define SHADERS_GLSL_PARAMS_H

#ifdef VULKAN /* GLSL */

#define STRUCT(name) name
#define PUSH_CONSTANTS(type)                                                                                           \
        layout(push_constant) uniform Push                                                                             \
        {                                                                                                              \
                type pushed;                                                                                           \
        };                                                                                                             \
        type params = pushed
/* The kernel's own specialization constant of this number: CONSTANT(CONV_TAPS) TAPS = 1; */
#define CONSTANT(number) layout(constant_id = FIRST_CONSTANT + number) const int

#else

#include <stdint.h>

typedef int32_t ivec2[2] __attribute__((aligned(8)));
typedef int32_t ivec4[4] __attribute__((aligned(16)));
typedef float vec2[2] __attribute__((aligned(8)));
typedef float vec4[4] __attribute__((aligned(16)));

#define STRUCT(name) struct name
#define PUSH_CONSTANTS_SIZE 128 /* bytes, which every device takes */
#define CHECK_PUSH_CONSTANTS(type)                                                                                     \
        _Static_assert(sizeof(struct type) <= PUSH_CONSTANTS_SIZE, #type " are push constants")

_Static_assert(sizeof(int) == 4 && sizeof(float) == 4, "int and float are GLSL's");

#endif

/* Bindings of a kernel: inputs 0 to 3, and the result. */
#define OPERANDS 5
#define RESULT 4

/* How an operand is stored: as vec4 of 16, 8 or 4 bytes; as uint or uvec4, which kernels get as they are. */
#define FORMAT_F32 0
#define FORMAT_F16 1
#define FORMAT_U8 2
#define FORMAT_WORD 3
#define FORMAT_WORDS 4

/* Specialization constants: the id of an operand's format is its binding.  A kernel's own, CONSTANTS at most, have ids
 * from FIRST_CONSTANT on; the headers beside this one number them from 0. */
#define FIRST_CONSTANT 8
#define CONSTANTS 9

/* Invocations of a workgroup: in a row; each way, if they work on a square; of a CPU driver's subgroup, where they
 * share what they load.  Kernels with others have them in the header of their parameters. */
#define WORKGROUP 64
#define WORKGROUP_SIDE 8
#define SUBGROUP 8

/* Where a slice of a feature map begins and how wide the whole is, in groups of 4 channels; see ops.h. */
struct map_params {
        int first, stride;
};

/* min(max(x, slope * x), ceiling) */
struct activation_params {
        float slope, ceiling;
};

#endif
