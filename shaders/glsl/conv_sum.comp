#version 450
// Adds the shares of a convolution's sums (ops/conv-split.c), and ends it.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"

layout(local_size_x = WORKGROUP) in;
INPUT(0, source) // [share][pixels / 32][groups][32][4]
INPUT(2, biases)
INPUT(3, residuals)
OUTPUT(result)

PUSH_CONSTANTS(conv_sum_params);

#include "epilogue.glsl"

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= params.pixels)
                return;
        vec4 sum = bias_of(group);
        for (int share = 0; share < params.shares; share++)
                sum += LOAD(source, share * params.batch + at(map_params(0, params.groups), pixel, group));
        STORE(result, at(params.result, pixel, group), epilogue(params.epilogue, at(params.residual, pixel, group), sum));
}
