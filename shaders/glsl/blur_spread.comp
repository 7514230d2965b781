#version 450
// One direction of a Gaussian over cells.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "blur.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, cells)
INPUT(1, blur)
OUTPUT(result)

CONSTANT(BLUR_DOWN) DOWN = 0;

PUSH_CONSTANTS(blur_params);

void main()
{
        const Blur b = LOAD_BLUR(blur);
        const ivec2 count = cells_of(b, params.size);
        const int step = DOWN != 0 ? count.x : 1, last = DOWN != 0 ? count.y - 1 : count.x - 1;
        for (int cell = LINEAR_INVOCATION; cell < count.x * count.y; cell += params.invocations) {
                const int here = DOWN != 0 ? cell / count.x : cell % count.x, first = cell - here * step;
                vec4 sum = LOAD(cells, cell);
                // From one d to the next, exp(-a d^2) falls by a factor that itself falls by a constant factor.
                float weight = b.fall, factor = b.fall * b.fall * b.fall, whole = 1;
                for (int d = 1; d <= b.radius; d++) {
                        sum += weight * (LOAD(cells, first + max(here - d, 0) * step) + LOAD(cells, first + min(here + d, last) * step));
                        whole += 2 * weight;
                        weight *= factor;
                        factor *= b.fall * b.fall;
                }
                STORE(result, cell, sum / whole);
        }
}
