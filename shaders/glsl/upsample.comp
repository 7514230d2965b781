#version 450
// Bilinear, corners aligned, to the result's size.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "bilinear.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, source)
OUTPUT(result)

PUSH_CONSTANTS(upsample_params);

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= params.size.x * params.size.y)
                return;
        Bilinear b = bilinear(nth_pixel(pixel, params.size.x), params.size, params.source_size);
        STORE(result, at(params.result, pixel, group), INTERPOLATE(source, params.source, b, group));
}
