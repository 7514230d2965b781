#version 450
// One of the four bytes of each word: four pixels an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, map, uvec4)
OUTPUT_WORDS(result, uint)

PUSH_CONSTANTS(part_params);

void main()
{
        const int i = LINEAR_INVOCATION;
        if (i >= params.words)
                return;
        const uvec4 bytes = LOAD_WORDS(map, i) >> params.shift & 255;
        result[i] = bytes.x | bytes.y << 8 | bytes.z << 16 | bytes.w << 24;
}
