#version 450
// RGBA to a virtual camera's bytes where rows begin anywhere: four bytes an invocation, each computed by itself.  Bytes that
// belong to no component are 0.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "layout.glsl"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, image, uint)
OUTPUT_WORDS(words, uint)

PUSH_CONSTANTS(pack_params);

float component(int k, ivec2 p)
{
        vec3 sum = vec3(0);
        for (int y = 0; y < 1 << SHIFT_Y(k); y++)
                for (int x = 0; x < 1 << SHIFT_X(k); x++) {
                        ivec2 q = min(p + ivec2(x, y), params.size - 1);
                        sum += from_pixel(LOAD_WORD(image, q.y * params.size.x + q.x));
                }
        const vec4 weights = k == 0 ? params.rows[0] : k == 1 ? params.rows[1] : params.rows[2];
        return dot(weights, vec4(sum / float(1 << SHIFT_X(k) + SHIFT_Y(k)), 1));
}

float byte_at(int address)
{
        int number = 0;
        plane_params plane = params.planes[0];
        [[unroll]] for (int i = 1; i < 3; i++)
                if (address >= params.planes[i].offset) {
                        number = i;
                        plane = params.planes[i];
                }
        const ivec2 place = nth_pixel(address - plane.offset, plane.stride); // its column and row
        // Which component it is, and the number of the sample.
        int which = -1, nth = 0;
        [[unroll]] for (int k = 0; k < 3; k++) {
                const int at = place.x - FIRST(k), step = max(STEP(k), 1);
                if (STEP(k) != 0 && PLANE(k) == number && at >= 0 && at % step == 0) {
                        which = k;
                        nth = at / step;
                }
        }
        const ivec2 p = ivec2(nth << SHIFT_X(which), place.y << SHIFT_Y(which));
        return which >= 0 && all(lessThan(p, params.size)) ? component(which, p) : 0;
}

void main()
{
        const int address = LINEAR_INVOCATION * 4;
        if (address >= params.bytes)
                return;
        uint word = 0;
        for (int i = 0; i < 4; i++)
                word |= uint(int(clamp(byte_at(address + i), 0, 255) + 0.5)) << 8 * i;
        words[address >> 2] = word;
}
