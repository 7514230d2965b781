// Convolution for GPUs that multiply whole matrices ("cooperative matrices"): a workgroup computes a tile of COOPERATIVE_TILE
// pixels and as many output channels, its subgroups a part each.  Numbers are halves, sums have 32 bits.
//
// The matrices come from shared memory: a map's pixel does not have its channels in one row, as the instructions want them.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#ifdef MATRIX_NV
#extension GL_NV_cooperative_matrix : require
#define MATRIX_A fcoopmatNV<16, gl_ScopeSubgroup, M, K>
#define MATRIX_B fcoopmatNV<16, gl_ScopeSubgroup, K, N>
#define MATRIX_SUM fcoopmatNV<32, gl_ScopeSubgroup, M, N>
#define LOAD_ROWS(matrix, from, start, stride) coopMatLoadNV(matrix, from, start, stride, false)
#define LOAD_COLUMNS(matrix, from, start, stride) coopMatLoadNV(matrix, from, start, stride, true)
#define STORE_ROWS(matrix, to, start, stride) coopMatStoreNV(matrix, to, start, stride, false)
#define MULTIPLY_ADD coopMatMulAddNV
#else
#extension GL_KHR_cooperative_matrix : require
#define MATRIX_A coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA>
#define MATRIX_B coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB>
#define MATRIX_SUM coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>
#define LOAD_ROWS(matrix, from, start, stride) coopMatLoad(matrix, from, start, stride, gl_CooperativeMatrixLayoutRowMajor)
#define LOAD_COLUMNS(matrix, from, start, stride) coopMatLoad(matrix, from, start, stride, gl_CooperativeMatrixLayoutColumnMajor)
#define STORE_ROWS(matrix, to, start, stride) coopMatStore(matrix, to, start, stride, gl_CooperativeMatrixLayoutRowMajor)
#define MULTIPLY_ADD coopMatMulAdd
#endif
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "conv.glsl"

CONSTANT(COOPERATIVE_M) M = 16;
CONSTANT(COOPERATIVE_N) N = 16;
CONSTANT(COOPERATIVE_K) K = 16;
layout(local_size_x_id = FIRST_CONSTANT + COOPERATIVE_INVOCATIONS) in;

const int TILE = COOPERATIVE_TILE;
const int DEPTH = COOPERATIVE_DEPTH / 4; // groups of input channels
const int ACROSS = TILE / COOPERATIVE_PIXELS(M); // subgroups
const int DOWN = COOPERATIVE_PIXELS(M) / M, RIGHT = COOPERATIVE_CHANNELS(M) / N; // matrices of a subgroup
const int ROW = DEPTH + 2; // of a tile, in groups: two more, so that columns lie in different banks

shared uvec2 tile_source[TILE * ROW];
shared uvec2 tile_weights[TILE * ROW];
shared uvec4 results[COOPERATIVE_SUBGROUPS(M) * M * N / 4];

// One of this subgroup's matrices of sums, in `results`: where its first pixel and group of channels are.
void finish(int pixel, int group)
{
        const int batch = int(gl_WorkGroupID.z);
        for (int i = int(gl_SubgroupInvocationID); i < M * N / 4; i += int(gl_SubgroupSize)) {
                const int to = pixel + i / (N / 4), out_group = group + i % (N / 4);
                if (to < params.out_pixels && out_group < params.out_groups)
                        STORE(result, at(params.result, to, out_group) + batch * params.result_batch,
                              epilogue(params.epilogue, at(params.residual, to, out_group),
                                       uintBitsToFloat(results[int(gl_SubgroupID) * (M * N / 4) + i]) + bias_of(out_group)));
        }
}

void main()
{
        const int me = int(gl_LocalInvocationID.x), all = int(gl_WorkGroupSize.x);
        const int pixel = int(gl_WorkGroupID.y) * TILE, channel = int(gl_WorkGroupID.x) * TILE;
        const int rows = (params.out_groups + 1) / 2; // of 8 output channels
        const int batch = int(gl_WorkGroupID.z);
        const int block = int(gl_SubgroupID);
        const int block_pixel = block % ACROSS * COOPERATIVE_PIXELS(M); // in the tile
        const int block_channel = block / ACROSS * COOPERATIVE_CHANNELS(M);

        MATRIX_SUM sum[DOWN * RIGHT];
        [[unroll]] for (int i = 0; i < DOWN * RIGHT; i++)
                sum[i] = MATRIX_SUM(0);

        // This invocation loads this pixel and this weight row of the tiles.
        const int place = me % TILE, start = me / TILE;
        const int row = channel / 8 + place / 8;
        const int last_pixel = POINTWISE != 0 ? (params.out_pixels + 31 & ~31) - 1 : params.out_pixels - 1;
        for (int tap = 0; tap < TAPS; tap++) {
                const int i = POINTWISE != 0 ? pixel + place : tap_pixel(tap, origin_of(pixel + place));
                const bool inside = i >= 0 && pixel + place <= last_pixel;
                const int from = at(params.source, inside ? i : 0, 0) + batch * params.source_batch;
                const int weight = batch * params.weights_batch + (row * TAPS + tap) * params.groups * 8 + place % 8;
                for (int g = 0; g < params.share; g += DEPTH) {
                        [[unroll]] for (int d = start; d < DEPTH; d += all / TILE) {
                                const bool there = g + d < params.share;
                                uvec2 x = uvec2(0), w = uvec2(0);
                                if (there && inside)
                                        x = LOAD_HALVES(source, from + (g + d) * 32);
                                if (there && row < rows)
                                        w = LOAD_HALVES(weights, weight + (g + d) * 8);
                                tile_source[place * ROW + d] = x;
                                tile_weights[place * ROW + d] = w;
                        }
                        barrier();
                        [[unroll]] for (int k = 0; k < DEPTH; k += K / 4) {
                                MATRIX_A a[DOWN];
                                [[unroll]] for (int i = 0; i < DOWN; i++)
                                        LOAD_ROWS(a[i], tile_source, (block_pixel + i * M) * ROW + k, ROW);
                                [[unroll]] for (int j = 0; j < RIGHT; j++) {
                                        MATRIX_B b;
                                        LOAD_COLUMNS(b, tile_weights, (block_channel + j * N) * ROW + k, ROW);
                                        [[unroll]] for (int i = 0; i < DOWN; i++)
                                                sum[i * RIGHT + j] = MULTIPLY_ADD(a[i], b, sum[i * RIGHT + j]);
                                }
                        }
                        barrier();
                }
        }
        [[unroll]] for (int i = 0; i < DOWN * RIGHT; i++) {
                STORE_ROWS(sum[i], results, block * (M * N / 4), N / 4);
                subgroupBarrier();
                finish(pixel + block_pixel + i / RIGHT * M, (channel + block_channel + i % RIGHT * N) / 4);
                subgroupBarrier();
        }
}
