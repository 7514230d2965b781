#version 450
// Depthwise 3x3 convolution, padding 1, with bias and activation.  An invocation is one pixel of one group of channels.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"

layout(local_size_x = 64) in;
INPUT(0, source)
INPUT(1, weights) // [channels / 4][9 taps and the bias][4]
OUTPUT(result)

layout(push_constant) uniform Shape {
        int height, width, out_width, out_pixels;
        int stride;
        float slope;
        Map source_map, result_map;
};

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= out_pixels)
                return;
        const int y = pixel / out_width * stride, x = pixel % out_width * stride;
        vec4 sum = LOAD(weights, group * 10 + 9);
        [[unroll]] for (int tap = 0; tap < 9; tap++) {
                int ty = y + tap / 3 - 1, tx = x + tap % 3 - 1;
                if (ty >= 0 && tx >= 0 && ty < height && tx < width)
                        sum += LOAD(weights, group * 10 + tap) * LOAD(source, at(source_map, ty * width + tx, group));
        }
        STORE(result, at(result_map, pixel, group), max(sum, slope * sum));
}
