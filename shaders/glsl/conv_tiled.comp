#version 450
// Convolution for GPUs: a workgroup computes 64 output channels of 64 pixels, 8 x 8 an invocation, from tiles of 16 input
// channels in 8 KB of shared memory.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "conv.glsl"

layout(local_size_x = 64) in;

const int TILE = 64; // pixels, and output channels
const int DEPTH = 4; // groups of input channels a step

shared vec4 tile_source[DEPTH][TILE];
shared vec4 tile_weights[DEPTH][TILE];

void main()
{
        const int me = int(gl_LocalInvocationID.x);
        const int pixel = int(gl_WorkGroupID.y) * TILE;
        const int channel = int(gl_WorkGroupID.x) * TILE;
        const int rows = (params.out_groups + 1) / 2; // of 8 output channels
        const int batch = int(gl_WorkGroupID.z);
        const int mine_pixel = me % 8, mine_channel = me / 8; // and every 8th from there

        float sum[8][8];
        [[unroll]] for (int i = 0; i < 8; i++)
                [[unroll]] for (int j = 0; j < 8; j++)
                        sum[i][j] = 0;

        // Invocation `me` loads pixel `me` and weight row `me` of the tile.
        const int row = channel / 8 + me / 8;
        const int last_pixel = POINTWISE != 0 ? (params.out_pixels + 31 & ~31) - 1 : params.out_pixels - 1;
        const ivec2 origin = POINTWISE != 0 ? ivec2(0) : origin_of(pixel + me);
        for (int tap = 0; tap < TAPS; tap++) {
                int i = POINTWISE != 0 ? pixel + me : tap_pixel(tap, origin);
                bool inside = i >= 0 && pixel + me <= last_pixel;
                int from = at(params.source, inside ? i : 0, 0) + batch * params.source_batch;
                int weight = batch * params.weights_batch + ((row * TAPS + tap) * params.groups) * 8 + me % 8;
                for (int g = 0; g < params.groups; g += DEPTH) {
                        [[unroll]] for (int d = 0; d < DEPTH; d++) {
                                bool there = g + d < params.groups;
                                vec4 x = vec4(0), w = vec4(0);
                                if (there && inside)
                                        x = LOAD(source, from + (g + d) * 32);
                                if (there && row < rows)
                                        w = LOAD(weights, weight + (g + d) * 8);
                                tile_source[d][me] = x;
                                tile_weights[d][me % 8 * 8 + me / 8] = w; // so that neighbours read neighbours
                        }
                        barrier();
                        [[unroll]] for (int d = 0; d < DEPTH; d++) {
                                vec4 x[8];
                                [[unroll]] for (int j = 0; j < 8; j++)
                                        x[j] = tile_source[d][mine_pixel + 8 * j];
                                [[unroll]] for (int c = 0; c < 8; c++) {
                                        vec4 w = tile_weights[d][c * 8 + mine_channel];
                                        [[unroll]] for (int j = 0; j < 8; j++)
                                                sum[c][j] += dot(w, x[j]);
                                }
                        }
                        barrier();
                }
        }
        [[unroll]] for (int c = 0; c < 8; c += 4) {
                const int group = channel / 4 + mine_channel * 2 + c / 4;
                const vec4 bias = group < params.out_groups ? bias_of(group) : vec4(0);
                [[unroll]] for (int j = 0; j < 8; j++)
                        finish(pixel + mine_pixel + 8 * j, group,
                               vec4(sum[c][j], sum[c + 1][j], sum[c + 2][j], sum[c + 3][j]) + bias);
        }
}
