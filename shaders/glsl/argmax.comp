#version 450
// The network's answer at each pixel (gpu_answers), from the logits after bilinear upsampling with aligned corners.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "bilinear.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT(0, logits)
OUTPUT_WORDS(answers, uint)

PUSH_CONSTANTS(argmax_params);

const float LEAST = -3e38;

void main()
{
        const int i = LINEAR_INVOCATION;
        if (i >= params.size.x * params.size.y)
                return;
        const Bilinear b = bilinear(nth_pixel(i, params.size.x), params.size, params.logits_size);
        const float background = INTERPOLATE(logits, params.logits, b, 0).x;
        float best = LEAST, second = LEAST, other = LEAST; // the best but for class 0
        int which = 0;
        for (int g = 0; g * 4 < params.classes; g++) {
                const vec4 v = INTERPOLATE(logits, params.logits, b, g);
                for (int k = 0; k < 4; k++) {
                        const int c = g * 4 + k;
                        const float x = c < params.classes ? v[k] : LEAST;
                        second = max(second, min(best, x));
                        other = max(other, c == 0 ? LEAST : x);
                        which = x > best ? c : which;
                        best = max(best, x);
                }
        }
        const float mask = 1 / (1 + exp(clamp(background - other, -30, 30)));
        const float lead = clamp((best - second) * LEAD_SCALE, 0, 255);
        answers[i] = uint(which) | uint(mask * 255 + 0.5) << 8 | uint(lead + 0.5) << 16;
}
