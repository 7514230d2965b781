#version 450
// Labels of the network's input back to the picture's geometry, nearest, 0 outside the crop; four pixels an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "bytes.glsl"

layout(local_size_x = 64) in;
INPUT(0, labels)
OUTPUT(result)

layout(push_constant) uniform Shape {
        ivec2 size, labels_size; // width, height
        vec2 shift;
        float scale;
};

void main()
{
        const int word = LINEAR_INVOCATION;
        if (word * 4 >= size.x * size.y)
                return;
        vec4 label = vec4(0);
        for (int i = 0; i < 4; i++) {
                int pixel = word * 4 + i;
                vec2 source = vec2(pixel % size.x, pixel / size.x);
                ivec2 p = ivec2(floor((source + 0.5 - shift) / scale));
                if (all(greaterThanEqual(p, ivec2(0))) && all(lessThan(p, labels_size)))
                        label[i] = BYTE(labels, p.y * labels_size.x + p.x);
        }
        STORE(result, word, label);
}
