#version 450
// Labels of the network's input back to the picture's geometry, by the nearest pixel.  Where regions overlap, the last one counts;
// outside of all, labels are 0.  Four pixels an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "bytes.glsl"
#include "region.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, labels)
INPUT(1, regions)
OUTPUT(result)

PUSH_CONSTANTS(uncrop_params);

void main()
{
        const int word = LINEAR_INVOCATION;
        if (word * 4 >= params.size.x * params.size.y)
                return;
        const ivec2 first = nth_pixel(word * 4, params.size.x);
        vec4 label = vec4(0);
        for (int region = 0; region < params.count; region++) {
                const vec4 rows[2] = vec4[](FROM_PICTURE(regions, region));
                ivec2 pixel = first;
                [[unroll]] for (int i = 0; i < 4; i++) {
                        const ivec2 p = ivec2(floor(transform(rows[0], rows[1], vec2(pixel) + 0.5)));
                        const ivec2 inside = clamp(p, ivec2(0), params.labels_size - 1);
                        const float found = BYTE(labels, region * params.layer + inside.y * params.labels_size.x + inside.x);
                        label[i] = p == inside ? found : label[i];
                        pixel = next_pixel(pixel, params.size.x);
                }
        }
        STORE(result, word, label);
}
