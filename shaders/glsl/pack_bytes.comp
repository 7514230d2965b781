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
        return dot(params.rows[k], vec4(sum / float(1 << SHIFT_X(k) + SHIFT_Y(k)), 1));
}

float byte_at(int address)
{
        int plane = 0;
        for (int i = 1; i < 3; i++)
                if (address >= params.planes[i].offset)
                        plane = i;
        const int in_plane = address - params.planes[plane].offset;
        const int row = in_plane / params.planes[plane].stride, column = in_plane % params.planes[plane].stride;
        [[unroll]] for (int k = 0; k < 3; k++) {
                const int at = column - FIRST(k);
                if (STEP(k) == 0 || PLANE(k) != plane || at < 0 || at % max(STEP(k), 1) != 0)
                        continue;
                const ivec2 p = ivec2(at / max(STEP(k), 1) << SHIFT_X(k), row << SHIFT_Y(k));
                if (all(lessThan(p, params.size)))
                        return component(k, p);
        }
        return 0;
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
