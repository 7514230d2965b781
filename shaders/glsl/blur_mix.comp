#version 450
// A picture with its background from blurred cells, between whose centres colours change linearly; four pixels an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "blur.glsl"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, image, uvec4)
INPUT_WORDS(1, labels, uint)
INPUT(2, cells)
INPUT(3, blur)
OUTPUT_WORDS(result, uvec4)

PUSH_CONSTANTS(blur_params);

vec4 cell_at(ivec2 p, Blur b, int row)
{
        const vec2 place = (vec2(p) + 0.5) / float(1 << b.shift) + 0.5;
        const ivec2 low = ivec2(place);
        const vec2 f = place - vec2(low);
        const int i = low.y * row + low.x;
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
        const uint four = LOAD_WORD(labels, i);
        ivec2 p = ivec2(i * 4 % params.size.x, i * 4 / params.size.x);
        uvec4 after;
        [[unroll]] for (int k = 0; k < 4; k++) {
                const float background = b.everywhere || (four >> k * 8 & 255) == 0 ? 1 : 0;
                const vec4 cell = cell_at(p, b, row);
                const vec3 own = from_pixel(before[k]), blurred = cell.a > 0 ? cell.rgb / cell.a * 255 : own;
                after[k] = to_pixel(mix(own, blurred, background));
                p += p.x + 1 < params.size.x ? ivec2(1, 0) : ivec2(-p.x, 1);
        }
        result[i] = after;
}
