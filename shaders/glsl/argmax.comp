#version 450
// Logits upsampled (bilinear, corners aligned) and the class with the largest one; four pixels, that is four bytes, an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "bilinear.glsl"

layout(local_size_x = 64) in;
INPUT(0, logits)
OUTPUT(labels)

layout(push_constant) uniform Shape {
        ivec2 size, logits_size; // width, height
        int classes;
        int first; // word
        map_params logits_map;
};

void main()
{
        const int word = LINEAR_INVOCATION;
        if (word * 4 >= size.x * size.y)
                return;
        vec4 label = vec4(0);
        for (int i = 0; i < 4; i++) {
                int pixel = min(word * 4 + i, size.x * size.y - 1);
                Bilinear b = bilinear(ivec2(pixel % size.x, pixel / size.x), size, logits_size);
                float best = INTERPOLATE(logits, logits_map, b, 0).x;
                int which = 0;
                for (int g = 0; g * 4 < classes; g++) {
                        vec4 v = INTERPOLATE(logits, logits_map, b, g);
                        [[unroll]] for (int k = 0; k < 4; k++)
                                if (g * 4 + k < classes && v[k] > best) {
                                        best = v[k];
                                        which = g * 4 + k;
                                }
                }
                label[i] = float(which);
        }
        STORE(labels, first + word, label / 255);
}
