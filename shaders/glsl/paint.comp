#version 450
// Mixes each pixel with its class's colour by the colour's alpha.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "bytes.glsl"

layout(local_size_x = 64) in;
INPUT(0, image)
INPUT(1, labels)
INPUT(2, palette) // 256 colours
OUTPUT(result)

PUSH_CONSTANTS(effect_params);

void main()
{
        const ivec2 p = ivec2(gl_GlobalInvocationID.xy);
        if (p.x >= params.size.x)
                return;
        const int i = p.y * params.size.x + p.x;
        vec4 paint = LOAD(palette, int(BYTE(labels, i) * 255 + 0.5));
        STORE(result, i, vec4(mix(LOAD(image, i).rgb, paint.rgb, paint.a), 1));
}
