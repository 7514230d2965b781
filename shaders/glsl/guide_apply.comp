#version 450
// The mask of each pixel from its colour, by the functions of the cells around it; four pixels an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "guide.glsl"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, image, uvec4)
INPUT(1, functions)
OUTPUT(result)

PUSH_CONSTANTS(guide_params);

// Whether cells and rows are whole words of pixels, which then have the same cells around them.
CONSTANT(GUIDE_WHOLE) WHOLE = 0;

void main()
{
        const int i = LINEAR_INVOCATION;
        if (i * 4 >= params.size.x * params.size.y)
                return;
        const uvec4 colors = LOAD_WORDS(image, i);
        ivec2 p = nth_pixel(i * 4, params.size.x);
        vec4 left, right, mask;
        [[unroll]] for (int k = 0; k < 4; k++) {
                const vec2 place = clamp((vec2(p) + 0.5) / float(params.side) - 0.5, vec2(0), vec2(params.count - 1));
                const ivec2 low = ivec2(place), high = min(low + 1, params.count - 1), rows = ivec2(low.y, high.y) * params.count.x;
                const vec2 part = place - vec2(low);
                if (k == 0 || WHOLE == 0) {
                        left = mix(LOAD(functions, rows.x + low.x), LOAD(functions, rows.y + low.x), part.y);
                        right = mix(LOAD(functions, rows.x + high.x), LOAD(functions, rows.y + high.x), part.y);
                }
                const vec4 f = mix(left, right, part.x);
                mask[k] = decided(dot(f.rgb, from_pixel(colors[k]) / 255) + f.a);
                p = next_pixel(p, params.size.x);
        }
        STORE(result, i, mask);
}
