#version 450
// A mask of what is not background.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"

layout(local_size_x = WORKGROUP) in;
INPUT(0, labels)
OUTPUT(result)

PUSH_CONSTANTS(effect_params);

void main()
{
        const int i = LINEAR_INVOCATION;
        if (i * 4 >= params.size.x * params.size.y)
                return;
        STORE(result, i, sign(LOAD(labels, i)));
}
