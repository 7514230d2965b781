#version 450
// A camera's bytes to RGBA, eight pixels an invocation; scaled to fit where the sizes differ.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "layout.glsl"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP_SIDE, local_size_y = WORKGROUP_SIDE) in;
INPUT_WORDS(0, bytes, uint)
OUTPUT_WORDS(image, uint)
OUTPUT_WORDS(image_by_four, uvec4)

CONSTANT(UNPACK_KIND) KIND = UNPACK_WHOLE;

PUSH_CONSTANTS(unpack_params);

int row_of(int k, int y)
{
        return params.planes[PLANE(k)].offset + (y >> SHIFT_Y(k)) * params.planes[PLANE(k)].stride;
}

// One byte anywhere.
float byte_at(int address)
{
        address = min(address, params.bytes - 1);
        return float(int(LOAD_WORD(bytes, address >> 2) >> (address & 3) * 8 & 255));
}

float component(int k, ivec2 p)
{
        return STEP(k) == 0 ? 0 : byte_at(row_of(k, p.y) + FIRST(k) + (p.x >> SHIFT_X(k)) * STEP(k));
}

// Pixel i of a block, whose words begin at `first`.
float in_block(int k, int first, int i)
{
        const int at = FIRST(k) + (i >> SHIFT_X(k)) * STEP(k);
        return STEP(k) == 0 ? 0 : float(int(LOAD_WORD(bytes, first + (at >> 2)) >> (at & 3) * 8 & 255));
}

// The first component last: pixels that share the others share that part of the sum, too.
vec3 to_rgb(vec3 v)
{
        const vec4 r = params.rows[0], g = params.rows[1], b = params.rows[2];
        const vec3 rest = vec3(r.w, g.w, b.w) + vec3(r.y, g.y, b.y) * v.y + vec3(r.z, g.z, b.z) * v.z;
        return vec3(r.x, g.x, b.x) * v.x + rest;
}

vec3 color(ivec2 p)
{
        p = clamp(p, ivec2(0), params.source_size - 1);
        return clamp(to_rgb(vec3(component(0, p), component(1, p), component(2, p))), 0, 255);
}

vec3 scaled(ivec2 p)
{
        vec2 ratio = vec2(params.source_size) / vec2(params.size);
        float scale = max(ratio.x, ratio.y);
        vec2 from = (vec2(p) + 0.5 - 0.5 * vec2(params.size)) * scale + 0.5 * vec2(params.source_size) - 0.5;
        if (any(lessThan(from, vec2(-0.5))) || any(greaterThan(from, vec2(params.source_size) - 0.5)))
                return vec3(0);
        ivec2 low = ivec2(floor(from));
        vec2 f = from - vec2(low);
        return mix(mix(color(low), color(low + ivec2(1, 0)), f.x), mix(color(low + ivec2(0, 1)), color(low + 1), f.x), f.y);
}

void main()
{
        const ivec2 block = ivec2(gl_GlobalInvocationID.xy);
        const ivec2 p = block * ivec2(BLOCK, 1);
        if (any(greaterThanEqual(p, params.size)))
                return;
        const int to = p.y * params.size.x + p.x;
        if (KIND != UNPACK_WHOLE) {
                for (int i = 0; i < min(BLOCK, params.size.x - p.x); i++)
                        image[to + i] = to_pixel(KIND == UNPACK_SCALED ? scaled(p + ivec2(i, 0)) : color(p + ivec2(i, 0)));
                return;
        }
        int first[3];
        [[unroll]] for (int k = 0; k < 3; k++)
                first[k] = (row_of(k, p.y) + block.x * BLOCK_BYTES(k)) >> 2;
        [[unroll]] for (int x = 0; x < BLOCK; x += 4) {
                uvec4 four;
                [[unroll]] for (int i = 0; i < 4; i++)
                        four[i] = to_pixel(to_rgb(vec3(in_block(0, first[0], x + i), in_block(1, first[1], x + i), in_block(2, first[2], x + i))));
                image_by_four[(to + x) >> 2] = four;
        }
}
