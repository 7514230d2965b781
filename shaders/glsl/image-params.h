/* Parameters of the kernels for pictures. */
#ifndef SHADERS_GLSL_IMAGE_PARAMS_H
#define SHADERS_GLSL_IMAGE_PARAMS_H

#include "shaders/glsl/params.h"

struct warp_params {
        ivec2 size, image_size; /* width, height */
};

#ifndef VULKAN
CHECK_PUSH_CONSTANTS(warp_params);
#endif

#endif
