#version 450
// A region of a picture as a picture of its own, black outside of the picture.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "region.glsl"
#include "shaders/glsl/picture-params.h"

layout(local_size_x = WORKGROUP) in;
INPUT(0, image)
INPUT(1, region)
OUTPUT(result)
#include "sample.glsl"

PUSH_CONSTANTS(warp_params);

void main()
{
        const ivec2 p = ivec2(gl_GlobalInvocationID.xy);
        if (p.x >= params.size.x)
                return;
        STORE(result, p.y * params.size.x + p.x, vec4(region_pixel(TO_PICTURE(region), p, params.image_size), 1));
}
