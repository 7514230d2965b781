#version 450
// Channels become pixels and pixels channels.  The result comes in blocks of 32 pixels, as every map, or of 8: the rows of a
// convolution's weights.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"

layout(local_size_x = 64) in;
INPUT(0, source)
OUTPUT(result)

layout(push_constant) uniform Shape {
        int channels, pixels; // of the source
        int block;
        map_params source_map, result_map;
};

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y); // of the result
        if (pixel >= channels)
                return;
        vec4 v = vec4(0);
        [[unroll]] for (int k = 0; k < 4; k++)
                if (group * 4 + k < pixels)
                        v[k] = LOAD(source, at(source_map, group * 4 + k, pixel / 4))[pixel % 4];
        int index = pixel / block * result_map.stride * block + (result_map.first + group) * block + pixel % block;
        STORE(result, index, v);
}
