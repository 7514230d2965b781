#version 450
// Convolution for CPU drivers: a lane is 4 pixels and 16 output channels.  The 8 lanes of a subgroup load 8 rows of weights at once
// and hand them round by constant shuffles, one permutation each.  The sums of one channel stay in registers for a whole round.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "conv.glsl"

layout(local_size_x = SUBGROUP) in;
CONSTANT(CONV_DEPTH) DEPTH = 1; // groups of input channels a round, of which `groups` is a multiple

const int PIXELS = CONV_SUBGROUP_PIXELS; // a lane's, 8 apart: a workgroup covers one block of 32
const int ROWS = CONV_SUBGROUP_ROWS; // of 8 output channels

void main()
{
        const int lane = int(gl_LocalInvocationID.x);
        const int pixel = int(gl_WorkGroupID.y) * 32 + lane;
        const int row = int(gl_WorkGroupID.x) * ROWS;
        const int row_size = TAPS * params.groups * 8;
        const int batch = int(gl_WorkGroupID.z);

        float sum[ROWS * 8][PIXELS];
        [[unroll]] for (int c = 0; c < ROWS * 8; c++)
                [[unroll]] for (int p = 0; p < PIXELS; p++)
                        sum[c][p] = 0;

        ivec2 origin[PIXELS];
        if (POINTWISE == 0)
                [[unroll]] for (int p = 0; p < PIXELS; p++)
                        origin[p] = origin_of(pixel + 8 * p);

        int weight = batch * params.weights_batch + row * row_size + lane;
        for (int tap = 0; tap < TAPS; tap++) {
                int from[PIXELS];
                bool inside[PIXELS];
                [[unroll]] for (int p = 0; p < PIXELS; p++) {
                        int i = POINTWISE != 0 ? pixel + 8 * p : tap_pixel(tap, origin[p]);
                        inside[p] = i >= 0;
                        from[p] = at(params.source, inside[p] ? i : 0, 0) + batch * params.source_batch;
                }
                for (int g = 0; g < params.share; g += DEPTH) {
                        vec4 x[DEPTH][PIXELS];
                        [[unroll]] for (int d = 0; d < DEPTH; d++)
                                [[unroll]] for (int p = 0; p < PIXELS; p++) {
                                        x[d][p] = LOAD(source, from[p] + (g + d) * 32);
                                        if (POINTWISE == 0)
                                                x[d][p] = inside[p] ? x[d][p] : vec4(0);
                                }
                        [[unroll]] for (int r = 0; r < ROWS; r++) {
                                vec4 w[DEPTH];
                                [[unroll]] for (int d = 0; d < DEPTH; d++)
                                        w[d] = LOAD(weights, weight + r * row_size + d * 8);
                                [[unroll]] for (int i = 0; i < 8; i++)
                                        [[unroll]] for (int d = 0; d < DEPTH; d++)
                                                [[unroll]] for (int k = 0; k < 4; k++) {
                                                        float one = subgroupShuffle(w[d][k], i);
                                                        [[unroll]] for (int p = 0; p < PIXELS; p++)
                                                                sum[r * 8 + i][p] += one * x[d][p][k];
                                                }
                        }
                        weight += 8 * DEPTH;
                }
        }
        const int to = at(params.result, pixel, row * 2) + batch * params.result_batch;
        const int residual = at(params.residual, pixel, row * 2);
        [[unroll]] for (int c = 0; c < ROWS * 8; c += 4) {
                const int group = row * 2 + c / 4;
                const vec4 bias = bias_of(group);
                [[unroll]] for (int p = 0; p < PIXELS; p++) // 8 pixels on is 8 numbers on, in the same block of 32
                        if (group < params.out_groups && pixel + 8 * p < params.out_pixels)
                                STORE(result, to + c * 8 + 8 * p,
                                      epilogue(params.epilogue, residual + c * 8 + 8 * p,
                                               vec4(sum[c][p], sum[c + 1][p], sum[c + 2][p], sum[c + 3][p]) + bias));
        }
}
