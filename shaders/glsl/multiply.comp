#version 450
// Nothing but multiply-adds.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/measure-params.h"

layout(local_size_x = WORKGROUP) in;
OUTPUT(result)

PUSH_CONSTANTS(multiply_params);

void main()
{
        const int i = LINEAR_INVOCATION;
        vec4 x[CHAINS];
        [[unroll]] for (int c = 0; c < CHAINS; c++)
                x[c] = vec4(i + c, i - c, c, 1);
        for (int r = 0; r < params.rounds; r++)
                [[unroll]] for (int u = 0; u < UNROLLED; u++)
                        [[unroll]] for (int c = 0; c < CHAINS; c++)
                                x[c] = x[c] * params.factor + params.addend;
        vec4 sum = vec4(0);
        [[unroll]] for (int c = 0; c < CHAINS; c++)
                sum += x[c];
        STORE(result, i, sum);
}
