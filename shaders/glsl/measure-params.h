/* Parameters of the kernels by which a device's ceilings are measured. */
#ifndef SHADERS_GLSL_MEASURE_PARAMS_H
#define SHADERS_GLSL_MEASURE_PARAMS_H

#include "shaders/glsl/params.h"

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
