#version 450
// A picture's pixels to the network's input: scaled, turned and shifted (bilinear, 0 outside), normalised, in the network's channel order.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "region.glsl"

layout(local_size_x = 64) in;
INPUT(0, image)
INPUT(1, regions)
OUTPUT(result)
#include "sample.glsl"

layout(push_constant) uniform Shape {
        ivec2 size, image_size; // width, height
        int region, bgr;
        map_params result_map;
        vec4 mean, inverse_std;
};

void main()
{
        const ivec2 p = ivec2(gl_GlobalInvocationID.xy);
        if (p.x >= size.x)
                return;
        vec3 color = sample_at(TO_PICTURE(regions, region, vec2(p) + 0.5), image_size);
        if (bgr != 0)
                color = color.bgr;
        STORE(result, at(result_map, p.y * size.x + p.x, 0), vec4((color - mean.rgb) * inverse_std.rgb, 0));
}
