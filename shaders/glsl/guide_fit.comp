#version 450
// Fits the mask in a box as a linear function of the colour: factors of red, green and blue, and an offset.  A plane
// has four numbers for each cell.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "guide.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, planes)
OUTPUT(result)

PUSH_CONSTANTS(guide_params);

// As straight code, GPUs' compilers would load all 36 values first, for which some have no registers.
#ifdef TEXELS
#define CELLS_LOOP [[unroll]]
#else
#define CELLS_LOOP [[dont_unroll]]
#endif

// The variance of a colour below which a box has no edges.
const float EVEN = 1e-4;

// The factors whose product with the colours' covariance, EVEN added to its diagonal, is their covariance with the mask.  By the
// decomposition L D L': a determinant in 32 bits would lose the little that grey boxes vary in colour.
vec3 factors(vec3 variances, vec3 rg_rb_gb, vec3 with_mask)
{
        const vec3 d = variances + EVEN;
        const float rg = rg_rb_gb.x / d.r, rb = rg_rb_gb.y / d.r;
        const float d_g = d.g - rg * rg_rb_gb.x, gb = (rg_rb_gb.z - rg * rg_rb_gb.y) / d_g;
        const float d_b = d.b - rb * rg_rb_gb.y - gb * gb * d_g;
        const float g = with_mask.g - rg * with_mask.r;
        const float blue = (with_mask.b - rb * with_mask.r - gb * g) / d_b, green = g / d_g - gb * blue;
        return vec3(with_mask.r / d.r - rg * green - rb * blue, green, blue);
}

void main()
{
        const int cell = LINEAR_INVOCATION, cells = params.count.x * params.count.y;
        if (cell >= cells)
                return;
        const Box box = box_of(cell, params.count);
        vec4 means[4] = vec4[](vec4(0), vec4(0), vec4(0), vec4(0));
        CELLS_LOOP for (int y = 0; y < 3; y++)
                CELLS_LOOP for (int x = 0; x < 3; x++)
                        [[unroll]] for (int k = 0; k < 4; k++)
                                means[k] += LOAD(planes, k * cells + box.rows[y] + box.x[x]) / 9;
        const vec3 color = means[0].rgb;
        const vec3 f = factors(means[2].xyz - color * color, means[3].xyz - color.rrg * color.gbb, means[1].xyz - color * means[0].a);
        STORE(result, cell, vec4(f, means[0].a - dot(f, color)));
}
