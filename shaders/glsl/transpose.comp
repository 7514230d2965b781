#version 450
// Channels become pixels and pixels channels.  The result comes in blocks of 32 pixels, as every map, or of 8: the rows of a
// convolution's weights.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/network-params.h"

layout(local_size_x = WORKGROUP) in;
INPUT(0, source)
OUTPUT(result)

PUSH_CONSTANTS(transpose_params);

void main()
{
        const int pixel = int(gl_GlobalInvocationID.x), group = int(gl_WorkGroupID.y); // of the result
        if (pixel >= params.channels)
                return;
        vec4 v = vec4(0);
        [[unroll]] for (int k = 0; k < 4; k++)
                if (group * 4 + k < params.pixels)
                        v[k] = LOAD(source, at(params.source, group * 4 + k, pixel / 4))[pixel % 4];
        int index = pixel / params.block * params.result.stride * params.block + (params.result.first + group) * params.block + pixel % params.block;
        STORE(result, index, v);
}
