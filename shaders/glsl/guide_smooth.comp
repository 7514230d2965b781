#version 450
// The means of the functions of nine boxes.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "guide.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, functions)
OUTPUT(result)

PUSH_CONSTANTS(guide_params);

void main()
{
        const int cell = LINEAR_INVOCATION;
        if (cell >= params.count.x * params.count.y)
                return;
        int box[9];
        box_of(cell, params.count, box);
        vec4 sum = vec4(0);
        [[unroll]] for (int i = 0; i < 9; i++)
                sum += LOAD(functions, box[i]);
        STORE(result, cell, sum / 9);
}
