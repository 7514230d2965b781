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

shared ELEMENT tile_source[DEPTH * TILE];
shared ELEMENT tile_weights[DEPTH * TILE];

void main()
{
        const uint me = gl_LocalInvocationID.x; // dividing it is shorter without a sign
        const int pixel = int(gl_WorkGroupID.y) * TILE;
        const int channel = int(gl_WorkGroupID.x) * TILE;
        const int rows = (params.out_groups + 1) / 2; // of 8 output channels
        const int batch = int(gl_WorkGroupID.z);

        float sum[4][4];
        [[unroll]] for (int i = 0; i < 4; i++)
                [[unroll]] for (int j = 0; j < 4; j++)
                        sum[i][j] = 0;

        // This invocation loads this pixel and this weight row of the tiles, in every LOADS-th step of the depth.  What is not stored
        // in the end may be anything.
        const uint place = me % TILE;
        const int start = int(me / TILE), row = min(channel / 8 + int(place / 8), rows - 1), mine = pixel + int(place);
        const int slot = start * TILE + int(place % 4 * SIDE + place / 4); // so that neighbours read neighbours
        for (int tap = 0; tap < TAPS; tap++) {
                const int i = POINTWISE != 0 ? min(mine, params.out_pixels - 1) : tap_pixel(tap, origin_of(mine));
                const bool inside = i >= 0;
                const int from = at(params.source, max(i, 0), 0) + batch * params.source_batch;
                const int weight = batch * params.weights_batch + ((row * TAPS + tap) * params.groups) * 8 + int(place % 8);
                for (int g = 0; g < params.share; g += DEPTH) {
                        [[unroll]] for (int load = 0; load < LOADS; load++) {
                                const int d = load * (DEPTH / LOADS), group = g + start + d, there = min(group, params.share - 1);
                                const ELEMENT x = LOAD_ELEMENT(source, from + there * 32);
                                tile_source[me + d * TILE] = inside && group < params.share ? x : ELEMENT(0);
                                tile_weights[slot + d * TILE] = LOAD_ELEMENT(weights, weight + there * 8);
                        }
                        barrier();
                        [[dont_unroll]] for (int d = 0; d < DEPTH; d++) {
#ifdef PACKED
                                // A pair is two output channels, so that weights come as pairs, and inputs need not.
                                f16vec4 x[4], part[4];
                                [[unroll]] for (int j = 0; j < 4; j++)
                                        x[j] = halves(tile_source[d * TILE + me % SIDE + SIDE * j]);
                                [[unroll]] for (int k = 0; k < 4; k++) {
                                        f16vec4 w = halves(tile_weights[d * TILE + me / SIDE + SIDE * k]);
                                        [[unroll]] for (int j = 0; j < 4; j++)
                                                part[j] = k == 0 ? w * x[j][k] : part[j] + w * x[j][k];
                                }
                                [[unroll]] for (int c = 0; c < 4; c++)
                                        [[unroll]] for (int j = 0; j < 4; j++)
                                                sum[c][j] += float(part[j][c]);
#else
                                vec4 x[4];
                                [[unroll]] for (int j = 0; j < 4; j++)
                                        x[j] = tile_source[d * TILE + me % SIDE + SIDE * j];
                                [[unroll]] for (int c = 0; c < 4; c++) {
                                        vec4 w = tile_weights[d * TILE + me / SIDE + SIDE * c];
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
        const int group = channel / 4 + int(me / SIDE);
        const vec4 bias = group < params.out_groups ? bias_of(group) : vec4(0);
        [[unroll]] for (int j = 0; j < 4; j++) {
                const int to = pixel + int(me % SIDE) + SIDE * j;
                if (group < params.out_groups && to < params.out_pixels)
                        STORE(result, at(params.result, to, group) + batch * params.result_batch,
                              epilogue(params.epilogue, at(params.residual, to, group),
                                       vec4(sum[0][j], sum[1][j], sum[2][j], sum[3][j]) + bias));
        }
}
