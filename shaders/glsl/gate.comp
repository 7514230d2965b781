#version 450
// x * up(gate) + x: the local graph's result, upsampled, applied to the map that it was computed from.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "bilinear.glsl"

layout(local_size_x = 64) in;
INPUT(0, source)
INPUT(1, gates)
OUTPUT(result)

layout(push_constant) uniform Shape {
        ivec2 size, gate_size; // width, height
        map_params source_map, gate_map, result_map;
};

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= size.x * size.y)
                return;
        Bilinear b = bilinear(ivec2(pixel % size.x, pixel / size.x), size, gate_size);
        vec4 x = LOAD(source, at(source_map, pixel, group));
        STORE(result, at(result_map, pixel, group), x * INTERPOLATE(gates, gate_map, b, group) + x);
}
