#version 450
// A picture with its background from blurred cells, between whose centres colours change linearly; four pixels an invocation.
//
// The mask says how much of a pixel is a person; the rest is background.  That rest, as the colours around the pixel
// suggest it, is subtracted as far as possible, and the blurred background takes its place.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "blur.glsl"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, image, uvec4)
INPUT_WORDS(1, mask, uint)
INPUT(2, cells)
INPUT(3, blur)
OUTPUT_WORDS(result, uvec4)

PUSH_CONSTANTS(blur_params);

// At least this part of a pixel's cell must be background to tell what the background looks like there.
const float LEAST = 1.0 / 32;

vec4 blurred_at(ivec2 p, Blur b, int row)
{
        const vec2 place = (vec2(p) + 0.5) / float(1 << b.shift) + 0.5;
        const ivec2 low = ivec2(place);
        const vec2 f = place - vec2(low);
        const int i = params.blurred + low.y * row + low.x;
        return mix(mix(LOAD(cells, i), LOAD(cells, i + 1), f.x), mix(LOAD(cells, i + row), LOAD(cells, i + row + 1), f.x), f.y);
}

void main()
{
        const int i = LINEAR_INVOCATION;
        if (i * 4 >= params.size.x * params.size.y)
                return;
        const Blur b = LOAD_BLUR(blur);
        const int row = cells_of(b, params.size).x;
        const uvec4 before = LOAD_WORDS(image, i);
        const uint four = LOAD_WORD(mask, i);
        ivec2 p = nth_pixel(i * 4, params.size.x);
        uvec4 after;
        for (int k = 0; k < 4; k++) {
                const float rest = float(255 - int(four >> k * 8 & 255)) / 255;
                const ivec2 cell = (p >> b.shift) + 1;
                const vec4 wide = blurred_at(p, b, row), near = LOAD(cells, cell.y * row + cell.x);
                const vec3 own = from_pixel(before[k]) / 255, blurred = wide.a > 0 ? wide.rgb / wide.a : own;
                const vec3 behind = (near.rgb + blurred * LEAST) / (near.a + LEAST);
                after[k] = to_pixel((clamp(own - rest * behind, 0, 1 - rest) + rest * blurred) * 255);
                p = next_pixel(p, params.size.x);
        }
        result[i] = after;
}
