#version 450
// RGBA to a virtual camera's bytes where all rows are whole words: an invocation writes all bytes of eight pixels, in two rows if
// these share components.  Bytes that belong to no component are 0.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "layout.glsl"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP_SIDE, local_size_y = WORKGROUP_SIDE) in;
INPUT_WORDS(0, image, uvec4)
OUTPUT_WORDS(bytes, uint)

PUSH_CONSTANTS(pack_params);

#define ROWS_SHIFT max(max(SHIFT_Y(0), SHIFT_Y(1)), SHIFT_Y(2))

// A block: four pixels each.  Not an array, which would be memory for some GPUs' compilers (docs/GPUS.md).
uvec4 upper_left, upper_right, lower_left, lower_right;

uvec4 four_pixels(int x, int y)
{
        return LOAD_WORDS(image, (min(y, params.size.y - 1) * params.size.x + x) >> 2);
}

vec3 pixel(int x, int y)
{
        const uvec4 left = y == 0 ? upper_left : lower_left, right = y == 0 ? upper_right : lower_right;
        return from_pixel((x < 4 ? left : right)[x & 3]);
}

// Component k of sample (i, row): of the mean of the pixels that share it.
float sample_of(int k, int i, int row)
{
        const int x = i << SHIFT_X(k), y = row << SHIFT_Y(k);
        vec3 mean = pixel(x, y);
        if (SHIFT_X(k) == 1)
                mean += pixel(x + 1, y);
        if (SHIFT_Y(k) == 1)
                mean += pixel(x, y + 1);
        if (SHIFT_X(k) == 1 && SHIFT_Y(k) == 1)
                mean += pixel(x + 1, y + 1);
        return dot(params.rows[k], vec4(mean / float(1 << SHIFT_X(k) + SHIFT_Y(k)), 1));
}

bool holds(int k, int plane, int at)
{
        return STEP(k) != 0 && PLANE(k) == plane && at >= FIRST(k) && (at - FIRST(k)) % STEP(k) == 0;
}

// Byte `at` of a block in a plane.
uint byte_of(int plane, int at, int row)
{
        float value = 0;
        if (holds(0, plane, at))
                value = sample_of(0, (at - FIRST(0)) / STEP(0), row);
        if (holds(1, plane, at))
                value = sample_of(1, (at - FIRST(1)) / STEP(1), row);
        if (holds(2, plane, at))
                value = sample_of(2, (at - FIRST(2)) / STEP(2), row);
        return uint(int(clamp(value, 0, 255) + 0.5));
}

// The plane that begins with component k.  Inlined, this and what it calls have only constants in their loops and indices, so that
// all of it becomes straight code.
void write_plane(int k, ivec2 block, bool inside)
{
        const plane_params plane = params.planes[PLANE(k)];
        const int column = block.x * BLOCK_BYTES(k);
        [[unroll]] for (int row = 0; row < 1 << ROWS_SHIFT - SHIFT_Y(k); row++) {
                const int y = (block.y << ROWS_SHIFT - SHIFT_Y(k)) + row;
                [[unroll]] for (int at = 0; at < BLOCK_BYTES(k); at += 4) {
                        uint word = 0;
                        [[unroll]] for (int i = 0; i < 4; i++)
                                word |= byte_of(PLANE(k), at + i, row) << 8 * i;
                        if (y << SHIFT_Y(k) < params.size.y && column + at < plane.stride)
                                bytes[(plane.offset + y * plane.stride + column + at) >> 2] = inside ? word : 0;
                }
        }
}

void main()
{
        const ivec2 block = ivec2(gl_GlobalInvocationID.xy);
        const ivec2 p = block * ivec2(BLOCK, 1 << ROWS_SHIFT);
        const bool inside = p.x < params.size.x; // or in a row's padding
        if (p.y >= params.size.y)
                return;
        const int x = inside ? p.x : 0;
        upper_left = four_pixels(x, p.y);
        upper_right = four_pixels(x + 4, p.y);
        if (ROWS_SHIFT != 0) {
                lower_left = four_pixels(x, p.y + 1);
                lower_right = four_pixels(x + 4, p.y + 1);
        }
        if (LEADS(0))
                write_plane(0, block, inside);
        if (LEADS(1))
                write_plane(1, block, inside);
        if (LEADS(2))
                write_plane(2, block, inside);
}
