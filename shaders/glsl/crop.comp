#version 450
// A picture's pixels to the network's input: scaled, turned and shifted (bilinear, 0 outside), normalised, in the network's channel order.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "region.glsl"

layout(local_size_x = 64) in;
INPUT(0, image)
INPUT(1, regions)
OUTPUT(result)

PUSH_CONSTANTS(crop_params);

vec3 pixel_at(ivec2 p)
{
        if (any(lessThan(p, ivec2(0))) || any(greaterThanEqual(p, params.image_size)))
                return vec3(0);
        return LOAD(image, p.y * params.image_size.x + p.x).rgb;
}

void main()
{
        const ivec2 p = ivec2(gl_GlobalInvocationID.xy);
        if (p.x >= params.size.x)
                return;
        vec2 from = TO_PICTURE(regions, params.region, vec2(p) + 0.5) - 0.5;
        ivec2 low = ivec2(floor(from));
        vec2 f = from - vec2(low);
        vec3 color = mix(mix(pixel_at(low), pixel_at(low + ivec2(1, 0)), f.x),
                         mix(pixel_at(low + ivec2(0, 1)), pixel_at(low + ivec2(1, 1)), f.x), f.y);
        if (params.bgr != 0)
                color = color.bgr;
        STORE(result, at(params.result, p.y * params.size.x + p.x, 0), vec4((color - params.mean.rgb) * params.inverse_std.rgb, 0));
}
