#version 450
// Softmax over the channels of each pixel; the maximum is taken off first, so that nothing overflows.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"

layout(local_size_x = 64) in;
INPUT(0, source)
OUTPUT(result)

layout(push_constant) uniform Shape {
        int pixels, groups;
        map_params source_map, result_map;
};

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x);
        if (pixel >= pixels)
                return;
        vec4 most = LOAD(source, at(source_map, pixel, 0));
        for (int g = 1; g < groups; g++)
                most = max(most, LOAD(source, at(source_map, pixel, g)));
        const float top = max(max(most.x, most.y), max(most.z, most.w));
        vec4 sum = vec4(0);
        for (int g = 0; g < groups; g++)
                sum += exp(LOAD(source, at(source_map, pixel, g)) - top);
        const float inverse = 1 / (sum.x + sum.y + sum.z + sum.w);
        for (int g = 0; g < groups; g++)
                STORE(result, at(result_map, pixel, g), exp(LOAD(source, at(source_map, pixel, g)) - top) * inverse);
}
