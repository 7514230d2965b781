#version 450
// Mixes each pixel with its class's colour by the colour's alpha; four pixels an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, image, uvec4)
INPUT_WORDS(1, labels, uint)
INPUT_WORDS(2, palette, uint) // 256 colours
OUTPUT_WORDS(result, uvec4)

PUSH_CONSTANTS(effect_params);

void main()
{
        const int i = LINEAR_INVOCATION;
        if (i * 4 >= params.size.x * params.size.y)
                return;
        const uvec4 before = LOAD_WORDS(image, i);
        const uint four = LOAD_WORD(labels, i);
        uvec4 after;
        [[unroll]] for (int k = 0; k < 4; k++) {
                const uint paint = LOAD_WORD(palette, int(four >> k * 8 & 255));
                after[k] = to_pixel(mix(from_pixel(before[k]), from_pixel(paint), float(int(paint >> 24)) / 255));
        }
        result[i] = after;
}
