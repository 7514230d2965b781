#version 450
// Depthwise convolution, "same" padding, with bias and activation.  An invocation is a block of pixels of one group of channels:
// neighbours share most of what they read.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "activation.glsl"

CONSTANT(DEPTHWISE_KERNEL) KERNEL = 3;
CONSTANT(DEPTHWISE_STRIDE) STRIDE = 1;
CONSTANT(DEPTHWISE_WIDE) WIDE = 1; // the block; more than one pixel only without dilation
CONSTANT(DEPTHWISE_HIGH) HIGH = 1;

const int TAPS = KERNEL * KERNEL;
const int ACROSS = (WIDE - 1) * STRIDE + KERNEL; // what a block reads
const int DOWN = (HIGH - 1) * STRIDE + KERNEL;

INPUT(0, source)
INPUT(1, weights) // [channels / 4][the taps and the bias][4]
OUTPUT(result)

PUSH_CONSTANTS(depthwise_params);

#ifdef TEXELS
// The 8 lanes of a subgroup load 8 weights at once and hand them round: a load costs as much as dozens of permutations.
#extension GL_KHR_shader_subgroup_shuffle : require
layout(local_size_x = SUBGROUP) in;

#define ROWS [[unroll]]
#define UP_TO(i, end, most) [[unroll]] for (int i = 0; i < (end); i++)
#define MOST_PIXELS 16 // a block
#define MOST_ACROSS 19
#define WEIGHT(i) w[i]
#define LOAD_WEIGHTS(first)                                                                                           \
        vec4 w[26], mine[4];                                                                                                 \
        [[unroll]] for (int i = 0; i < TAPS / 8 + 1; i++)                                                             \
                mine[i] = LOAD(weights, first + min(i * 8 + int(gl_LocalInvocationID.x), TAPS));                      \
        [[unroll]] for (int i = 0; i < TAPS + 1; i++)                                                                 \
                w[i] = subgroupShuffle(mine[i / 8], i % 8);
#else
layout(local_size_x = WORKGROUP) in;

// A row at a time: a GPU has too few registers for all weights.
#define ROWS [[dont_unroll]]
// Written out as far as specialization constants allow, so that arrays are registers for all compilers (docs/GPUS.md).
#define UP_TO(i, end, most) [[unroll]] for (int i = 0; i < (most); i++) if (i < (end))
#define MOST_PIXELS 2
#define MOST_ACROSS 7
#define WEIGHT(i) LOAD(weights, first_weight + (i))
#define LOAD_WEIGHTS(first) const int first_weight = first;
#endif

void main()
{
        const int blocks = (params.out_width + WIDE - 1) / WIDE;
        const int block = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        const ivec2 first = nth_pixel(block, blocks) * ivec2(WIDE, HIGH);
        const int y = first.y, x = first.x;

        vec4 sum[MOST_PIXELS];
        LOAD_WEIGHTS(group * (TAPS + 1))
        if (y >= params.out_height)
                return;
        UP_TO (i, HIGH * WIDE, MOST_PIXELS)
                sum[i] = WEIGHT(TAPS);

        ROWS for (int v = 0; v < DOWN; v++) {
                const int from_y = y * STRIDE + (v - KERNEL / 2) * params.dilation;
                const bool row_inside = from_y >= 0 && from_y < params.height;
                vec4 row[MOST_ACROSS];
                UP_TO (u, ACROSS, MOST_ACROSS) {
                        const int from_x = x * STRIDE + (u - KERNEL / 2) * params.dilation;
                        const bool inside = row_inside && from_x >= 0 && from_x < params.width;
                        row[u] = LOAD(source, at(params.source, inside ? from_y * params.width + from_x : 0, group));
                        row[u] = inside ? row[u] : vec4(0);
                }
                UP_TO (i, HIGH * WIDE, MOST_PIXELS) {
                        const int down = v - i / WIDE * STRIDE;
                        if (down >= 0 && down < KERNEL)
                                UP_TO (k, KERNEL, 5)
                                        sum[i] += WEIGHT(down * KERNEL + k) * row[i % WIDE * STRIDE + k];
                }
        }
        UP_TO (i, HIGH * WIDE, MOST_PIXELS) {
                const int to_y = y + i / WIDE, to_x = x + i % WIDE;
                if (to_y < params.out_height && to_x < params.out_width)
                        STORE(result, at(params.result, to_y * params.out_width + to_x, group),
                              activate(params.activation, sum[i]));
        }
}
