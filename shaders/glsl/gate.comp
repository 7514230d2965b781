#version 450
// x * up(gate) + x: the local graph's result, upsampled, applied to the map that it was computed from.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "bilinear.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, source)
INPUT(1, gates)
OUTPUT(result)

PUSH_CONSTANTS(gate_params);

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= params.size.x * params.size.y)
                return;
        Bilinear b = bilinear(nth_pixel(pixel, params.size.x), params.size, params.gate_size);
        vec4 x = LOAD(source, at(params.source, pixel, group));
        STORE(result, at(params.result, pixel, group), x * INTERPOLATE(gates, params.gate, b, group) + x);
}
