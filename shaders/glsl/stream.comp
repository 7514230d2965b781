#version 450
// Copies a buffer.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/measure-params.h"

layout(local_size_x = WORKGROUP) in;
INPUT(0, source)
OUTPUT(result)

PUSH_CONSTANTS(stream_params);

void main()
{
        const int i = LINEAR_INVOCATION;
        if (i < params.count)
                STORE(result, i, LOAD(source, i));
}
