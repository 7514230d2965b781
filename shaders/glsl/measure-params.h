/* Parameters of the kernels that measure a device's ceilings: how fast it can multiply, and copy. */
#ifndef SHADERS_GLSL_MEASURE_PARAMS_H
#define SHADERS_GLSL_MEASURE_PARAMS_H

#include "shaders/glsl/params.h"

/* Multiply-adds of a round: independent sums of four numbers, as many as the registers of a CPU's vector unit hold, and
 * what is unrolled of each. */
#define CHAINS 3
#define UNROLLED 4

/* x * factor + addend, which stays finite */
struct multiply_params {
        int rounds;
        float factor, addend;
};

struct stream_params {
        int count; /* of vec4 */
};

#ifndef VULKAN
CHECK_PUSH_CONSTANTS(multiply_params);
CHECK_PUSH_CONSTANTS(stream_params);
#endif

#endif
