#version 450
// Winograd F(4x4, 3x3), the way back: 36 products to 4x4 pixels of output, with the convolution's epilogue.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "winograd.glsl"

INPUT(0, source) // [36][strip / 32][out_groups][32][4]
INPUT(2, biases)
INPUT(3, residuals)
OUTPUT(result)

PUSH_CONSTANTS(winograd_out_params);

#include "epilogue.glsl"

void main()
{
        const int t = int(gl_GlobalInvocationID.x) / SHARE, group = int(gl_WorkGroupID.y);
        const Tile tile = tile_at(params.tiling, t);
        if (!tile.exists)
                return;
        const int batch = params.tiling.strip * params.out_groups;
        const int index = (t >> 5) * (params.out_groups << 5) + (group << 5) + (t & 31);
        VALUE s[4][6];

        [[unroll]] for (int j = 0; j < 6; j++) {
                VALUE m[6];
                [[unroll]] for (int i = 0; i < 6; i++)
                        m[i] = LOAD_VALUE(source, (i * 6 + j) * batch + index);
                VALUE p = m[1] + m[2], q = m[1] - m[2], u = m[3] + m[4], v = m[3] - m[4];
                s[0][j] = m[0] + p + u;
                s[1][j] = q + 2 * v;
                s[2][j] = p + 4 * u;
                s[3][j] = q + 8 * v + m[5];
        }
        const VALUE bias = bias_of(group);
        [[unroll]] for (int i = 0; i < 4; i++) {
                VALUE p = s[i][1] + s[i][2], q = s[i][1] - s[i][2], u = s[i][3] + s[i][4], v = s[i][3] - s[i][4];
                VALUE y[4] = {s[i][0] + p + u, q + 2 * v, p + 4 * u, q + 8 * v + s[i][5]};
                [[unroll]] for (int j = 0; j < 4; j++) {
                        ivec2 o = tile.origin + ivec2(j, i) * params.tiling.dilation;
                        int pixel = o.y * params.size.x + o.x;
                        if (all(lessThan(o, params.size)))
                                STORE_VALUE(result, at(params.result, pixel, group),
                                      epilogue(params.epilogue, at(params.residual, pixel, group), y[j] + bias));
                }
        }
}
