#version 450
// Depthwise convolution, "same" padding, with bias and activation.  An invocation is a block of pixels of one group of channels:
// neighbours share most of what they read.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"

layout(local_size_x = 64) in;
INPUT(0, source)
INPUT(1, weights) // [channels / 4][the taps and the bias][4]
OUTPUT(result)

layout(constant_id = 8) const int KERNEL = 3;
layout(constant_id = 9) const int STRIDE = 1;
layout(constant_id = 10) const int BLOCK = 1; // only without dilation; else a block is one pixel

PUSH_CONSTANTS(depthwise_params);

const int WIDE = BLOCK != 0 ? 4 : 1, HIGH = BLOCK != 0 ? 2 : 1; // in ops/depthwise.c, too
const int TAPS = KERNEL * KERNEL;

void main()
{
        const int blocks = (params.out_width + WIDE - 1) / WIDE;
        const int block = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        const int y = block / blocks * HIGH, x = block % blocks * WIDE;
        if (y >= params.out_height)
                return;

        vec4 w[25], sum[8];
        [[unroll]] for (int i = 0; i < TAPS; i++)
                w[i] = LOAD(weights, group * (TAPS + 1) + i);
        vec4 bias = LOAD(weights, group * (TAPS + 1) + TAPS);
        [[unroll]] for (int i = 0; i < HIGH * WIDE; i++)
                sum[i] = bias;

        [[unroll]] for (int v = 0; v < (HIGH - 1) * STRIDE + KERNEL; v++) {
                const int from_y = y * STRIDE + (v - KERNEL / 2) * params.dilation;
                [[unroll]] for (int u = 0; u < (WIDE - 1) * STRIDE + KERNEL; u++) {
                        const int from_x = x * STRIDE + (u - KERNEL / 2) * params.dilation;
                        const bool inside = from_y >= 0 && from_x >= 0 && from_y < params.height && from_x < params.width;
                        vec4 one = LOAD(source, at(params.source, inside ? from_y * params.width + from_x : 0, group));
                        one = inside ? one : vec4(0);
                        [[unroll]] for (int i = 0; i < HIGH * WIDE; i++) {
                                const int down = v - i / WIDE * STRIDE, across = u - i % WIDE * STRIDE;
                                if (down >= 0 && across >= 0 && down < KERNEL && across < KERNEL)
                                        sum[i] += w[down * KERNEL + across] * one;
                        }
                }
        }
        [[unroll]] for (int i = 0; i < HIGH * WIDE; i++) {
                const int to_y = y + i / WIDE, to_x = x + i % WIDE;
                if (to_y < params.out_height && to_x < params.out_width)
                        STORE(result, at(params.result, to_y * params.out_width + to_x, group),
                              min(max(sum[i], params.activation.slope * sum[i]), params.activation.ceiling));
        }
}
