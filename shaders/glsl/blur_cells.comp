#version 450
// The background's cells, premultiplied: alpha is the part of a cell that is background.  A pixel that is partly a
// person has their colour in it, too, and does not count.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "bytes.glsl"
#include "blur.glsl"
#include "rgba.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, image, uint)
INPUT_WORDS(1, mask, uint)
INPUT(2, blur)
OUTPUT(cells)

PUSH_CONSTANTS(blur_params);

void main()
{
        const Blur b = LOAD_BLUR(blur);
        const ivec2 count = cells_of(b, params.size);
        const int side = 1 << b.shift;
        for (int cell = LINEAR_INVOCATION; cell < count.x * count.y; cell += params.invocations) {
                const ivec2 first = (ivec2(cell % count.x, cell / count.x) - 1) << b.shift;
                vec4 sum = vec4(0);
                for (int y = first.y; y < first.y + side; y++) {
                        const int row = clamp(y, 0, params.size.y - 1) * params.size.x;
                        for (int x = first.x; x < first.x + side; x++) {
                                const int i = row + clamp(x, 0, params.size.x - 1);
                                const float background = max(1 - float(BYTE(mask, i)) * 10 / 255, 0);
                                sum += vec4(from_pixel(LOAD_WORD(image, i)), 255) * background;
                        }
                }
                STORE(cells, cell, sum / float(255 * side * side));
        }
}
