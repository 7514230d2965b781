#version 450
// result[pixel i][channel j] = sum over n of a[channel i][pixel n] * b[channel j][pixel n].  An invocation computes 4 * ROWS i for
// 4 j: neighbours differ in j, so that a's values are the same for all of them.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"

#ifdef TEXELS
layout(local_size_x = SUBGROUP) in;
const int ROWS = GRAM_ROWS_TEXELS; // groups of i
#else
layout(local_size_x = GRAM_WORKGROUP) in;
const int ROWS = GRAM_ROWS_BUFFERS;
#endif
INPUT(0, a)
INPUT(1, b)
OUTPUT(result)

PUSH_CONSTANTS(gram_params);

void main()
{
        const int j = int(gl_GlobalInvocationID.x);
        const int first = int(gl_WorkGroupID.y) * ROWS;
        if (j >= params.b_groups)
                return;
        vec4 sum[ROWS * 4];
        [[unroll]] for (int i = 0; i < ROWS * 4; i++)
                sum[i] = vec4(0);
        for (int n = 0; n < params.pixels; n++) {
                vec4 y = LOAD(b, at(params.b, n, j));
                [[unroll]] for (int r = 0; r < ROWS; r++) {
                        vec4 x = LOAD(a, at(params.a, n, min(first + r, params.a_groups - 1)));
                        [[unroll]] for (int k = 0; k < 4; k++)
                                sum[r * 4 + k] += x[k] * y;
                }
        }
        [[unroll]] for (int i = 0; i < ROWS * 4; i++)
                if (first + i / 4 < params.a_groups)
                        STORE(result, at(params.result, first * 4 + i, j), sum[i]);
}
