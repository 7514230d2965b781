#version 450
// Nothing but multiply-adds: as many independent ones as the registers of a CPU's vector unit hold.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/measure-params.h"

layout(local_size_x = 64) in;
OUTPUT(result)

const int CHAINS = 3, UNROLLED = 16; // in ops/ceiling.c, too

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
