#version 450
// Maximum over 3x3, stride 2, padding 1.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"

layout(local_size_x = 64) in;
INPUT(0, source)
OUTPUT(result)

layout(push_constant) uniform Shape {
        int height, width, out_width, out_pixels;
        map_params source_map, result_map;
};

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= out_pixels)
                return;
        const int y = pixel / out_width * 2, x = pixel % out_width * 2;
        vec4 most = LOAD(source, at(source_map, y * width + x, group));
        [[unroll]] for (int tap = 0; tap < 9; tap++) {
                // The nearest pixel inside is in the window too, so the padding needs no value of its own.
                int ty = clamp(y + tap / 3 - 1, 0, height - 1), tx = clamp(x + tap % 3 - 1, 0, width - 1);
                most = max(most, LOAD(source, at(source_map, ty * width + tx, group)));
        }
        STORE(result, at(result_map, pixel, group), most);
}
