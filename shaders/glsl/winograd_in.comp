#version 450
// Winograd F(4x4, 3x3) (Lavin and Gray, "Fast algorithms for convolutional neural networks"): 6x6 patches of the input to the
// transformed domain, 36 matrices of [tiles][channels].  A dilated convolution is a dense one on each of dilation^2 interleaved
// grids; tiles are counted grid by grid.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"
#include "winograd.glsl"

INPUT(0, source)
OUTPUT(result) // [36][strip / 32][groups][32][4]

PUSH_CONSTANTS(winograd_in_params);

void transform(inout VALUE a, inout VALUE b, inout VALUE c, inout VALUE d, inout VALUE e, inout VALUE f)
{
        VALUE p = 4 * a - 5 * c + e, q = d - 4 * b, r = e - 4 * c, s = 2 * (d - b), t = e - c, u = 4 * b - 5 * d + f;
        a = p;
        b = r + q;
        c = r - q;
        d = t + s;
        e = t - s;
        f = u;
}

void main()
{
        const int t = int(gl_GlobalInvocationID.x) / SHARE, group = int(gl_WorkGroupID.y);
        const Tile tile = tile_at(params.tiling, t);
        if (!tile.exists)
                return;
        VALUE v[6][6];

        [[unroll]] for (int i = 0; i < 6; i++)
                [[unroll]] for (int j = 0; j < 6; j++) {
                        ivec2 p = tile.origin + ivec2(j - 1, i - 1) * params.tiling.dilation;
                        bool inside = all(greaterThanEqual(p, ivec2(0))) && all(lessThan(p, params.size));
                        VALUE x = LOAD_VALUE(source, at(params.source, inside ? p.y * params.size.x + p.x : 0, group));
                        v[i][j] = inside ? x : VALUE(0);
                }
        [[unroll]] for (int j = 0; j < 6; j++)
                transform(v[0][j], v[1][j], v[2][j], v[3][j], v[4][j], v[5][j]);
        const int batch = params.tiling.strip * params.groups;
        const int index = (t >> 5) * (params.groups << 5) + (group << 5) + (t & 31);
        [[unroll]] for (int i = 0; i < 6; i++) {
                transform(v[i][0], v[i][1], v[i][2], v[i][3], v[i][4], v[i][5]);
                [[unroll]] for (int j = 0; j < 6; j++)
                        STORE_VALUE(result, (i * 6 + j) * batch + index, v[i][j]);
        }
}
