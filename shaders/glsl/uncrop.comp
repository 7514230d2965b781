#version 450
// Labels of the network's input back to the picture's geometry, nearest; the last region that has a pixel counts, and 0 is outside of
// all.  Four pixels an invocation.
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
        vec4 label = vec4(0);
        for (int i = 0; i < 4; i++) {
                int pixel = word * 4 + i;
                vec2 place = vec2(pixel % params.size.x, pixel / params.size.x) + 0.5;
                for (int region = 0; region < params.count; region++) {
                        ivec2 p = ivec2(floor(transform(FROM_PICTURE(regions, region), place)));
                        if (all(greaterThanEqual(p, ivec2(0))) && all(lessThan(p, params.labels_size)))
                                label[i] = BYTE(labels, region * params.layer + p.y * params.labels_size.x + p.x);
                }
        }
        STORE(result, word, label);
}
