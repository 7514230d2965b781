// Convolution for GPUs: a workgroup of SIDE x SIDE invocations computes a tile of 4 * SIDE pixels and as many output channels,
// 4 x 4 an invocation, from tiles of 16 input channels in shared memory.
//
// The limit is registers: 64 sums spill on every Intel GPU, while 16 sums and 8 vec4 in flight fit, and leave room for
// twice as many waves on AMD's.  The loop over the depth must stay a loop: if it is unrolled, compilers move all its
// loads to the front.
//
// With PACKED, tiles are halves and so are products, which GPUs compute in pairs.  Those of four input channels are added as halves,
// then to the sum in 32 bits: longer sums of halves would be less exact, and take more registers.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "conv.glsl"

layout(local_size_x = SIDE * SIDE) in;

const int TILE = CONV_TILE(SIDE); // pixels, and output channels
const int DEPTH = 4; // groups of input channels a step
const int LOADS = DEPTH * TILE / (SIDE * SIDE); // of either tile, an invocation

#ifdef PACKED
#define ELEMENT uvec2
#define LOAD_ELEMENT LOAD_HALVES
f16vec4 halves(uvec2 v)
{
        return f16vec4(unpackFloat2x16(v.x), unpackFloat2x16(v.y));
}
#else
#define ELEMENT vec4
#define LOAD_ELEMENT LOAD
#endif

shared ELEMENT tile_source[DEPTH][TILE];
shared ELEMENT tile_weights[DEPTH][TILE];

void main()
{
        const int me = int(gl_LocalInvocationID.x);
        const int pixel = int(gl_WorkGroupID.y) * TILE;
        const int channel = int(gl_WorkGroupID.x) * TILE;
        const int rows = (params.out_groups + 1) / 2; // of 8 output channels
        const int batch = int(gl_WorkGroupID.z);
        const int mine_pixel = me % SIDE, mine_channel = me / SIDE; // and every SIDE-th from there

        float sum[4][4];
        [[unroll]] for (int i = 0; i < 4; i++)
                [[unroll]] for (int j = 0; j < 4; j++)
                        sum[i][j] = 0;

        // This invocation loads this pixel and this weight row of the tiles, in every LOADS-th step of the depth.
        const int place = me % TILE, start = me / TILE;
        const int row = channel / 8 + place / 8;
        const int last_pixel = POINTWISE != 0 ? (params.out_pixels + 31 & ~31) - 1 : params.out_pixels - 1;
        for (int tap = 0; tap < TAPS; tap++) {
                int i = POINTWISE != 0 ? pixel + place : tap_pixel(tap, origin_of(pixel + place)); // kept, it would cost registers
                bool inside = i >= 0 && pixel + place <= last_pixel;
                int from = at(params.source, inside ? i : 0, 0) + batch * params.source_batch;
                int weight = batch * params.weights_batch + ((row * TAPS + tap) * params.groups) * 8 + place % 8;
                for (int g = 0; g < params.share; g += DEPTH) {
                        [[unroll]] for (int load = 0; load < LOADS; load++) {
                                int d = start + load * (DEPTH / LOADS);
                                bool there = g + d < params.share;
                                ELEMENT x = ELEMENT(0), w = ELEMENT(0);
                                if (there && inside)
                                        x = LOAD_ELEMENT(source, from + (g + d) * 32);
                                if (there && row < rows)
                                        w = LOAD_ELEMENT(weights, weight + (g + d) * 8);
                                tile_source[d][place] = x;
                                tile_weights[d][place % 4 * SIDE + place / 4] = w; // so that neighbours read neighbours
                        }
                        barrier();
                        [[dont_unroll]] for (int d = 0; d < DEPTH; d++) {
#ifdef PACKED
                                // A pair is two output channels, so that weights come as pairs, and inputs need not.
                                f16vec4 x[4], part[4];
                                [[unroll]] for (int j = 0; j < 4; j++)
                                        x[j] = halves(tile_source[d][mine_pixel + SIDE * j]);
                                [[unroll]] for (int k = 0; k < 4; k++) {
                                        f16vec4 w = halves(tile_weights[d][k * SIDE + mine_channel]);
                                        [[unroll]] for (int j = 0; j < 4; j++)
                                                part[j] = k == 0 ? w * x[j][k] : part[j] + w * x[j][k];
                                }
                                [[unroll]] for (int c = 0; c < 4; c++)
                                        [[unroll]] for (int j = 0; j < 4; j++)
                                                sum[c][j] += float(part[j][c]);
#else
                                vec4 x[4];
                                [[unroll]] for (int j = 0; j < 4; j++)
                                        x[j] = tile_source[d][mine_pixel + SIDE * j];
                                [[unroll]] for (int c = 0; c < 4; c++) {
                                        vec4 w = tile_weights[d][c * SIDE + mine_channel];
                                        // Component by component: each is one fused multiply-add; dot() is one more.
                                        [[unroll]] for (int k = 0; k < 4; k++)
                                                [[unroll]] for (int j = 0; j < 4; j++)
                                                        sum[c][j] += w[k] * x[j][k];
                                }
#endif
                        }
                        barrier();
                }
        }
        const int group = channel / 4 + mine_channel;
        const vec4 bias = group < params.out_groups ? bias_of(group) : vec4(0);
        [[unroll]] for (int j = 0; j < 4; j++) {
                const int to = pixel + mine_pixel + SIDE * j;
                if (group < params.out_groups && to < params.out_pixels)
                        STORE(result, at(params.result, to, group) + batch * params.result_batch,
                              epilogue(params.epilogue, at(params.residual, to, group),
                                       vec4(sum[0][j], sum[1][j], sum[2][j], sum[3][j]) + bias));
        }
}
