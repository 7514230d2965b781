#version 450
// A picture's pixels to the network's input: scaled, rotated and shifted (0 outside), normalised, in the network's
// channel order.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "region.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, image)
INPUT(1, region)
OUTPUT(result)
#include "sample.glsl"

PUSH_CONSTANTS(crop_params);

void main()
{
        const ivec2 p = ivec2(gl_GlobalInvocationID.xy);
        if (p.x >= params.size.x)
                return;
        vec3 color = region_pixel(TO_PICTURE(region), p, params.image_size);
        if (params.bgr != 0)
                color = color.bgr;
        STORE(result, at(params.result, p.y * params.size.x + p.x, 0), vec4((color - params.mean.rgb) * params.inverse_std.rgb, 0));
}
