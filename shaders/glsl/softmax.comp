#version 450
// Softmax over the channels of each pixel; the maximum is subtracted first, so that nothing overflows.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"

layout(local_size_x = WORKGROUP) in;
INPUT(0, source)
OUTPUT(result)

PUSH_CONSTANTS(softmax_params);

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x);
        if (pixel >= params.pixels)
                return;
        vec4 most = LOAD(source, at(params.source, pixel, 0));
        for (int g = 1; g < params.groups; g++)
                most = max(most, LOAD(source, at(params.source, pixel, g)));
        const float top = max(max(most.x, most.y), max(most.z, most.w));
        vec4 sum = vec4(0);
        for (int g = 0; g < params.groups; g++)
                sum += exp(LOAD(source, at(params.source, pixel, g)) - top);
        const float inverse = 1 / (sum.x + sum.y + sum.z + sum.w);
        for (int g = 0; g < params.groups; g++)
                STORE(result, at(params.result, pixel, g), exp(LOAD(source, at(params.source, pixel, g)) - top) * inverse);
}
