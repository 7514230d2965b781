#version 450
// The means of a cell: colour, mask and their products, over SAMPLES x SAMPLES evenly spaced pixels: enough, because a
// box has nine cells.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "bytes.glsl"
#include "guide.glsl"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, image, uint)
INPUT_WORDS(1, mask, uint)
OUTPUT(cells)

PUSH_CONSTANTS(guide_params);

const int SAMPLES = 4;

void main()
{
        const int cell = LINEAR_INVOCATION, cells = params.count.x * params.count.y;
        if (cell >= cells)
                return;
        const ivec2 first = nth_pixel(cell, params.count.x) * params.side;
        vec4 mean = vec4(0), products = vec4(0), mixed = vec4(0);
        vec3 squares = vec3(0);
        for (int y = 0; y < SAMPLES; y++)
                for (int x = 0; x < SAMPLES; x++) {
                        const ivec2 p = min(first + (ivec2(x, y) * params.side + params.side / 2) / SAMPLES, params.size - 1);
                        const int i = p.y * params.size.x + p.x;
                        const vec4 v = vec4(from_pixel(LOAD_WORD(image, i)) / 255, decided(float(BYTE(mask, i)) / 255));
                        mean += v;
                        products.xyz += v.rgb * v.a;
                        squares += v.rgb * v.rgb;
                        mixed.xyz += v.rrg * v.gbb;
                }
        const float part = 1 / float(SAMPLES * SAMPLES);
        STORE(cells, cell, mean * part);
        STORE(cells, cells + cell, products * part);
        STORE(cells, 2 * cells + cell, vec4(squares, 0) * part);
        STORE(cells, 3 * cells + cell, mixed * part);
}
