#version 450
// RGBA to a virtual camera's bytes, four an invocation.  Which component a byte holds follows from a table of planes, so that one
// kernel writes every format, odd strides included; bytes that are nobody's are 0.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"

layout(local_size_x = 64) in;
INPUT(0, image)
OUTPUT(bytes)

PUSH_CONSTANTS(pack_params);

float component(int k, ivec2 p)
{
        int shift = params.shifts >> k * 8;
        ivec2 count = ivec2(1 << (shift & 15), 1 << (shift >> 4 & 15));
        vec3 sum = vec3(0);
        for (int y = 0; y < count.y; y++)
                for (int x = 0; x < count.x; x++) {
                        ivec2 q = min(p + ivec2(x, y), params.size - 1);
                        sum += LOAD(image, q.y * params.size.x + q.x).rgb;
                }
        return dot(params.rows[k], vec4(sum / float(count.x * count.y), 1));
}

void main()
{
        const int word = LINEAR_INVOCATION;
        if (word >= params.words)
                return;
        int first = word * 4;
        plane_params plane = params.planes[0];
        if (first >= params.planes[1].offset)
                plane = params.planes[1];
        if (first >= params.planes[2].offset)
                plane = params.planes[2];
        // Divisions for the first of the four; from a byte to the next, counting will do.
        int unit = plane.shape >> 8 & 255, pixels = plane.shape >> 16;
        int row = (first - plane.offset) / plane.stride, column = first - plane.offset - row * plane.stride;
        int x = column / unit * pixels, in_unit = column % unit;
        vec4 v = vec4(0);
        for (int i = 0; i < 4; i++) {
                int entry = plane.pattern >> 8 * in_unit;
                ivec2 p = ivec2(x + (entry >> 2 & 63), row << (plane.shape & 255));
                if (all(lessThan(p, params.size)))
                        v[i] = component(entry & 3, p);
                column++;
                in_unit++;
                if (in_unit == unit) {
                        in_unit = 0;
                        x += pixels;
                }
                if (column == plane.stride) {
                        column = in_unit = x = 0;
                        row++;
                }
                for (int k = 1; k < 3; k++)
                        if (first + i + 1 == params.planes[k].offset) {
                                plane = params.planes[k];
                                unit = plane.shape >> 8 & 255;
                                pixels = plane.shape >> 16;
                                row = column = in_unit = x = 0;
                        }
        }
        STORE(bytes, word, clamp(v, 0, 1));
}
