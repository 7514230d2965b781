#version 450
// Bilinear, corners aligned, to the result's size.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "bilinear.glsl"

layout(local_size_x = 64) in;
INPUT(0, source)
OUTPUT(result)

layout(push_constant) uniform Shape {
        ivec2 size, source_size; // width, height
        map_params source_map, result_map;
};

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y);
        if (pixel >= size.x * size.y)
                return;
        Bilinear b = bilinear(ivec2(pixel % size.x, pixel / size.x), size, source_size);
        STORE(result, at(result_map, pixel, group), INTERPOLATE(source, source_map, b, group));
}
