#version 450
// The class with the largest logit, after bilinear upsampling with aligned corners; four pixels, that is four bytes, an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "bilinear.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, logits)
OUTPUT(labels)

PUSH_CONSTANTS(argmax_params);

void main()
{
        const int word = LINEAR_INVOCATION;
        if (word * 4 >= params.size.x * params.size.y)
                return;
        ivec2 pixel = nth_pixel(word * 4, params.size.x);
        vec4 label = vec4(0);
        for (int i = 0; i < 4; i++) {
                Bilinear b = bilinear(min(pixel, params.size - 1), params.size, params.logits_size);
                pixel = next_pixel(pixel, params.size.x);
                float best = INTERPOLATE(logits, params.logits, b, 0).x;
                int which = 0;
                for (int g = 0; g * 4 < params.classes; g++) {
                        vec4 v = INTERPOLATE(logits, params.logits, b, g);
                        [[unroll]] for (int k = 0; k < 4; k++)
                                if (g * 4 + k < params.classes && v[k] > best) {
                                        best = v[k];
                                        which = g * 4 + k;
                                }
                }
                label[i] = float(which);
        }
        STORE(labels, params.first + word, label / 255);
}
