#version 450
// Convolution of few input channels, for CPU drivers: a lane keeps all inputs of 4 pixels, and computes one output channel after
// the other. Weights reach it as in conv_subgroup.comp, those of 4 channels and 2 inputs at a time. Only 4 sums are in use at once.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "conv.glsl"

layout(local_size_x = SUBGROUP) in;
CONSTANT(CONV_DEPTH) GROUPS = 1; // of input channels, all of them
const int INPUTS = TAPS * GROUPS;

const int PIXELS = CONV_SUBGROUP_PIXELS; // a lane's, 8 apart: a workgroup covers one block of 32

void main()
{
        const int lane = int(gl_LocalInvocationID.x);
        const int pixel = int(gl_WorkGroupID.y) * 32 + lane;
        const int first = int(gl_WorkGroupID.x) * CONV_EXPAND_GROUPS; // group of 4 output channels
        const int end = min(first + CONV_EXPAND_GROUPS, params.out_groups);
        vec4 x[INPUTS][PIXELS];

        [[unroll]] for (int p = 0; p < PIXELS; p++) {
                const ivec2 origin = POINTWISE != 0 ? ivec2(0) : origin_of(pixel + 8 * p);
                [[unroll]] for (int tap = 0; tap < TAPS; tap++) {
                        const int i = POINTWISE != 0 ? pixel + 8 * p : tap_pixel(tap, origin);
                        const int from = at(params.source, max(i, 0), 0);
                        [[unroll]] for (int g = 0; g < GROUPS; g++) {
                                const vec4 one = LOAD(source, from + g * 32);
                                x[tap * GROUPS + g][p] = POINTWISE != 0 || i >= 0 ? one : vec4(0);
                        }
                }
        }
        for (int group = first; group < end; group++) {
                const int row = (group >> 1) * INPUTS, place = (group & 1) * 4 + (lane & 3);
                vec4 w[(INPUTS + 1) / 2];
                [[unroll]] for (int i = 0; i < INPUTS; i += 2) // for half of the lanes the next input's
                        w[i / 2] = LOAD(weights, (row + min(i + (lane >> 2), INPUTS - 1)) * 8 + place);
                vec4 sum[PIXELS];
                [[unroll]] for (int c = 0; c < 4; c++) {
                        float one[PIXELS];
                        [[unroll]] for (int p = 0; p < PIXELS; p++)
                                one[p] = 0;
                        [[unroll]] for (int i = 0; i < INPUTS; i++)
                                [[unroll]] for (int k = 0; k < 4; k++) {
                                        const float weight = subgroupShuffle(w[i / 2][k], i % 2 * 4 + c);
                                        [[unroll]] for (int p = 0; p < PIXELS; p++)
                                                one[p] += weight * x[i][p][k];
                                }
                        [[unroll]] for (int p = 0; p < PIXELS; p++)
                                sum[p][c] = one[p];
                }
                const vec4 bias = bias_of(group);
                const int to = at(params.result, pixel, group), residual = at(params.residual, pixel, group);
                [[unroll]] for (int p = 0; p < PIXELS; p++) // 8 pixels on is 8 numbers on, in the same block of 32
                        if (pixel + 8 * p < params.out_pixels)
                                STORE(result, to + 8 * p, epilogue(params.epilogue, residual + 8 * p, sum[p] + bias));
        }
}
