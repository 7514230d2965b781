#version 450
// Depthwise convolution, "same" padding, with bias and activation.  An invocation is one pixel of one group of channels.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"

layout(local_size_x = 64) in;
INPUT(0, source)
INPUT(1, weights) // [channels / 4][the taps and the bias][4]
OUTPUT(result)

layout(constant_id = 8) const int KERNEL = 3;

layout(push_constant) uniform Shape {
        int height, width, out_width, out_pixels;
        int stride, dilation;
        float slope, ceiling;
        Map source_map, result_map;
};

void main()
{
        const int TAPS = KERNEL * KERNEL;
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= out_pixels)
                return;
        const int y = pixel / out_width * stride, x = pixel % out_width * stride;
        const int weight = group * (TAPS + 1);
        vec4 sum = LOAD(weights, weight + TAPS);
        [[unroll]] for (int tap = 0; tap < TAPS; tap++) {
                int ty = y + (tap / KERNEL - KERNEL / 2) * dilation, tx = x + (tap % KERNEL - KERNEL / 2) * dilation;
                if (ty >= 0 && tx >= 0 && ty < height && tx < width)
                        sum += LOAD(weights, weight + tap) * LOAD(source, at(source_map, ty * width + tx, group));
        }
        STORE(result, at(result_map, pixel, group), min(max(sum, slope * sum), ceiling));
}
