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
        const Box box = box_of(cell, params.count);
        vec4 sum = vec4(0);
        [[unroll]] for (int y = 0; y < 3; y++)
                [[unroll]] for (int x = 0; x < 3; x++)
                        sum += LOAD(functions, box.rows[y] + box.x[x]);
        STORE(result, cell, sum / 9);
}
