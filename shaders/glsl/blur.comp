#version 450
// One direction of a Gaussian over the background alone.  Across, the weight that the background had goes to alpha; down, alpha
// weighs, and what is not background gets its own colour back.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "bytes.glsl"

layout(local_size_x = 64) in;
INPUT(0, image)
INPUT(1, labels)
INPUT(2, across)
INPUT(3, blur) // struct gpu_blur
OUTPUT(result)

layout(constant_id = 8) const int DOWN = 0;

PUSH_CONSTANTS(effect_params);

bool is_background(int i, bool everywhere)
{
        return everywhere || BYTE(labels, i) == 0;
}

void main()
{
        const ivec2 p = ivec2(gl_GlobalInvocationID.xy);
        if (p.x >= params.size.x)
                return;
        const int here = p.y * params.size.x + p.x;
        const vec4 parameters = LOAD(blur, 0);
        const int radius = int(parameters.x);
        const float falloff = parameters.y; // exp(falloff * distance^2)
        const bool everywhere = parameters.z != 0;
        if (DOWN != 0 && !is_background(here, everywhere)) {
                STORE(result, here, LOAD(image, here));
                return;
        }
        vec3 sum = vec3(0);
        float weight = 0, whole = 0;
        for (int d = -radius; d <= radius; d++) {
                ivec2 q = clamp(p + (DOWN != 0 ? ivec2(0, d) : ivec2(d, 0)), ivec2(0), params.size - 1);
                int i = q.y * params.size.x + q.x;
                float g = exp(falloff * float(d * d));
                vec4 color = DOWN != 0 ? LOAD(across, i) : vec4(LOAD(image, i).rgb, is_background(i, everywhere) ? 1 : 0);
                sum += g * color.a * color.rgb;
                weight += g * color.a;
                whole += g;
        }
        vec3 color = weight > 0 ? sum / weight : LOAD(image, here).rgb;
        STORE(result, here, vec4(color, DOWN != 0 ? 1 : weight / whole));
}
