#version 450
// result[pixel i][channel j] = sum over n of a[channel i][pixel n] * b[channel j][pixel n].  An invocation computes 16 i for 4 j:
// neighbours differ in j, so that a's values are the same for all of them.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"

#ifdef LANE
layout(local_size_x = 8) in;
#else
layout(local_size_x = 32) in;
#endif
INPUT(0, a)
INPUT(1, b)
OUTPUT(result)

layout(push_constant) uniform Shape {
        int pixels; // n
        int a_groups, b_groups;
        map_params a_map, b_map, result_map;
};

const int ROWS = 4; // groups of i

void main()
{
        const int j = int(gl_GlobalInvocationID.x);
        const int first = int(gl_WorkGroupID.y) * ROWS;
        if (j >= b_groups)
                return;
        vec4 sum[ROWS * 4];
        [[unroll]] for (int i = 0; i < ROWS * 4; i++)
                sum[i] = vec4(0);
        for (int n = 0; n < pixels; n++) {
                vec4 y = LOAD(b, at(b_map, n, j));
                [[unroll]] for (int r = 0; r < ROWS; r++) {
                        vec4 x = LOAD(a, at(a_map, n, min(first + r, a_groups - 1)));
                        [[unroll]] for (int k = 0; k < 4; k++)
                                sum[r * 4 + k] += x[k] * y;
                }
        }
        [[unroll]] for (int i = 0; i < ROWS * 4; i++)
                if (first + i / 4 < a_groups)
                        STORE(result, at(result_map, first * 4 + i, j), sum[i]);
}
