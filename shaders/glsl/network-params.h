/* Parameters of the network's kernels. */
#ifndef SHADERS_GLSL_NETWORK_PARAMS_H
#define SHADERS_GLSL_NETWORK_PARAMS_H

#include "shaders/glsl/params.h"

struct depthwise_params {
        int height, width, out_height, out_width;
        int dilation;
        STRUCT(activation_params) activation;
        STRUCT(map_params) source, result;
};

#ifndef VULKAN
CHECK_PUSH_CONSTANTS(depthwise_params);
#endif

#endif
