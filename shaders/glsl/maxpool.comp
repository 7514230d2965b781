#version 450
// Maximum over 3x3, stride 2, padding 1.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"

layout(local_size_x = WORKGROUP) in;
INPUT(0, source)
OUTPUT(result)

PUSH_CONSTANTS(maxpool_params);

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= params.out_pixels)
                return;
        const ivec2 p = nth_pixel(pixel, params.out_width) * 2;
        vec4 most = LOAD(source, at(params.source, p.y * params.width + p.x, group));
        [[unroll]] for (int tap = 0; tap < 9; tap++) {
                // The nearest pixel inside is in the window too, so the padding needs no value of its own.
                int y = clamp(p.y + tap / 3 - 1, 0, params.height - 1), x = clamp(p.x + tap % 3 - 1, 0, params.width - 1);
                most = max(most, LOAD(source, at(params.source, y * params.width + x, group)));
        }
        STORE(result, at(params.result, pixel, group), most);
}
