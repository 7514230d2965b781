#version 450
// A camera's bytes to RGBA, scaled to fit where the sizes differ.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "bytes.glsl"

layout(local_size_x = 64) in;
INPUT(0, bytes)
OUTPUT(image)

int component_shift_x(component_params c)
{
        return c.shift & 0xffff;
}

int component_shift_y(component_params c)
{
        return c.shift >> 16;
}

PUSH_CONSTANTS(unpack_params);

float component(int k, ivec2 p)
{
        component_params c = params.components[k];
        if (c.step == 0)
                return 0;
        return BYTE(bytes, c.offset + (p.y >> component_shift_y(c)) * c.stride + (p.x >> component_shift_x(c)) * c.step);
}

vec3 color(ivec2 p)
{
        p = clamp(p, ivec2(0), params.source_size - 1);
        vec4 v = vec4(component(0, p), component(1, p), component(2, p), 1);
        return clamp(vec3(dot(params.rows[0], v), dot(params.rows[1], v), dot(params.rows[2], v)), 0, 1);
}

vec3 scaled(ivec2 p)
{
        vec2 ratio = vec2(params.source_size) / vec2(params.size);
        float scale = max(ratio.x, ratio.y);
        vec2 from = (vec2(p) + 0.5 - 0.5 * vec2(params.size)) * scale + 0.5 * vec2(params.source_size) - 0.5;
        if (any(lessThan(from, vec2(-0.5))) || any(greaterThan(from, vec2(params.source_size) - 0.5)))
                return vec3(0);
        ivec2 low = ivec2(floor(from));
        vec2 f = from - vec2(low);
        return mix(mix(color(low), color(low + ivec2(1, 0)), f.x), mix(color(low + ivec2(0, 1)), color(low + 1), f.x), f.y);
}

void main()
{
        const ivec2 p = ivec2(gl_GlobalInvocationID.xy);
        if (p.x >= params.size.x)
                return;
        STORE(image, p.y * params.size.x + p.x, vec4(params.size == params.source_size ? color(p) : scaled(p), 1));
}
