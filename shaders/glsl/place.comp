#version 450
// The network's answers for one view of the picture, put into the map of the whole picture: smoothly where they are enlarged,
// steadily where the picture rests.  Four pixels an invocation.
#extension GL_GOOGLE_include_directive : require
#include "operand.glsl"
#include "shaders/glsl/picture-params.h"
#include "rgba.glsl"
#include "region.glsl"

layout(local_size_x = WORKGROUP) in;
INPUT_WORDS(0, answers, uint)
INPUT(1, view)
INPUT_WORDS(2, image, uvec4)
INPUT_WORDS(3, before, uvec4)
OUTPUT_WORDS(result, uvec4)

PUSH_CONSTANTS(place_params);

// A pixel moves if it differs from before by so many of 255, in the mean of four; a difference below the first is
// noise.
const float STILL = 8, MOVING = 20;
// What a mask of a still pixel follows if the network is undecided; if it is sure, the mask follows at once.
const float FOLLOW_LEAST = 0.15;
// The lead that a label needs, in one answer or summed over several in a row, to replace another one at a still pixel.
const float LEAD_ENOUGH = 1.5 * LEAD_SCALE;
// How fast the remembered brightness of a still pixel follows.
const float FOLLOW_BRIGHTNESS = 0.25;
// Below a face, distances count less: there is its body.
const float BODY = 0.4;
// The weight of what does not move, like a face that is four of its sizes away.
const float RESTING = 1.0 / 256;
// Where the arrays of struct gpu_view begin, in vec4.
const int KEPT = 5, MOVED = KEPT + 2 * KEPT_MAX + 1;

struct Answer {
        uint label;
        float mask, lead;
};

vec4 unpacked(uint word)
{
        return vec4(ivec4(word & 255, word >> 8 & 255, word >> 16 & 255, word >> 24));
}

// At a place among the answers.  The leads are interpolated as the logits' differences would be: between two labels the border is
// where their leads are equal, a line, not a staircase.
Answer look(vec2 place)
{
        const vec2 low = floor(place - 0.5), f = place - 0.5 - low;
        const ivec2 last = params.answers_size - 1;
        const ivec2 a = clamp(ivec2(low), ivec2(0), last), b = clamp(ivec2(low) + 1, ivec2(0), last);
        const int near = a.y * params.answers_size.x, far = b.y * params.answers_size.x;
        const uvec4 four = uvec4(LOAD_WORD(answers, near + a.x), LOAD_WORD(answers, near + b.x), LOAD_WORD(answers, far + a.x),
                                 LOAD_WORD(answers, far + b.x));
        const vec4 weights = vec4((1 - f.x) * (1 - f.y), f.x * (1 - f.y), (1 - f.x) * f.y, f.x * f.y);
        const uvec4 labels = four & 255;
        const vec4 leads = weights * (vec4(ivec4(four >> 16 & 255)) + 1);
        Answer answer = Answer(0, dot(weights, vec4(ivec4(four >> 8 & 255))), -1);
        [[unroll]] for (int k = 0; k < 4; k++) {
                const float sum = dot(leads, mix(vec4(0), vec4(1), equal(labels, uvec4(labels[k]))));
                answer.label = sum > answer.lead ? labels[k] : answer.label;
                answer.lead = max(sum, answer.lead);
        }
        answer.lead = max(2 * answer.lead - dot(leads, vec4(1)), 0);
        return answer;
}

// How much a view counts at a place among its answers: 0 outside, more and more towards the inside.  Below 0: nowhere.
float presence(vec2 place, float feather)
{
        const vec2 edge = min(place, vec2(params.answers_size) - place);
        return feather > 0 ? clamp(min(edge.x, edge.y) / feather, 0, 1) : float(feather == 0 && min(edge.x, edge.y) >= 0);
}

// A distance from a face, to which the body below it is near.
float away(vec2 from_face)
{
        return length(vec2(from_face.x, from_face.y * (from_face.y > 0 ? BODY : 1)));
}

// The other view whose face is nearest: how far that is, in pixels of its answers, and how much the view counts.
vec2 nearest(vec2 p, int count, float feather)
{
        vec2 best = vec2(1e9, 0);
        for (int i = 0; i < count; i++) {
                const vec2 place = transform(LOAD(view, KEPT + i * 2), LOAD(view, KEPT + 1 + i * 2), p);
                const float far = away(place - 0.5 * vec2(params.answers_size));
                best = far < best.x ? vec2(far, presence(place, feather)) : best;
        }
        return best;
}

// How far what is at a place has moved, in whole pixels: as the faces near it have; what is far from all of them rests.
ivec2 moved(vec2 p, int count)
{
        vec2 sum = vec2(0);
        float all = RESTING;
        for (int i = 0; i < count; i++) {
                const vec4 at = LOAD(view, MOVED + i * 2);
                const float far = away((p - at.xy) / at.z), weight = 1 / (far * far * far * far + 1e-3);
                sum += weight * LOAD(view, MOVED + 1 + i * 2).xy;
                all += weight;
        }
        return ivec2(round(sum / all));
}

// Four pixels of the map as it was, from where they were then.
uvec4 remembered(int i, ivec2 pixel, int count)
{
        const ivec2 by = count > 0 ? moved(vec2(pixel) + vec2(2, 0.5), count) : ivec2(0);
        if (by == ivec2(0))
                return LOAD_WORDS(before, i);
        uvec4 four;
        [[unroll]] for (int k = 0; k < 4; k++) {
                const ivec2 from = clamp(pixel - by, ivec2(0), params.size - 1);
                const int n = from.y * params.size.x + from.x;
                four[k] = LOAD_WORDS(before, n / 4)[n % 4];
                pixel = next_pixel(pixel, params.size.x);
        }
        return four;
}

uint steady(uint known, Answer answer, float brightness, float motion, float weight, bool fresh)
{
        const vec4 old = unpacked(known);
        const float sure = abs(answer.mask / 127.5 - 1);
        const float follow = weight * max(motion, mix(FOLLOW_LEAST, 1, sure * sure));
        const bool same = answer.label == (known & 255);
        const float doubt = same ? old.w * (1 - weight) : old.w + weight * answer.lead;
        const bool change = !same && weight > 0 && doubt >= LEAD_ENOUGH * (1 - motion);
        const uint label = change ? answer.label : known & 255;
        const uint mask = uint(mix(old.y, answer.mask, follow) + 0.5);
        const uint seen = uint(mix(old.z, brightness, fresh ? 1 : weight * max(motion, FOLLOW_BRIGHTNESS)) + 0.5);
        return label | mask << 8 | seen << 16 | uint(change ? 0 : min(doubt, 255)) << 24;
}

void main()
{
        const int i = LINEAR_INVOCATION;
        if (i * 4 >= params.size.x * params.size.y)
                return;
        const vec4 rows[2] = vec4[](FROM_PICTURE(view));
        const vec4 how = LOAD(view, 4); // struct gpu_view: feather, memory, kept_count, kept_feather
        const bool fresh = how.y == 0, whole = how.x == 0;
        ivec2 pixel = nth_pixel(i * 4, params.size.x);
        const uvec4 now = LOAD_WORDS(image, i), old = fresh ? uvec4(0) : remembered(i, pixel, int(LOAD(view, MOVED - 1).x));
        vec4 brightness;
        [[unroll]] for (int k = 0; k < 4; k++)
                brightness[k] = dot(from_pixel(now[k]), vec3(0.299, 0.587, 0.114));
        const float change = dot(abs(brightness - vec4(ivec4(old >> 16 & 255))), vec4(0.25));
        const float motion = max(1 - how.y, clamp((change - STILL) / (MOVING - STILL), 0, 1));
        uvec4 after;
        for (int k = 0; k < 4; k++) {
                const vec2 p = vec2(pixel) + 0.5, place = transform(rows[0], rows[1], p);
                const vec2 other = nearest(p, int(how.z), how.w);
                const float own = away(place - 0.5 * vec2(params.answers_size));
                const float weight = presence(place, how.x) * (whole ? 1 - other.y : clamp((other.x - own) / how.x + 0.5, 0, 1));
                after[k] = steady(old[k], look(place), brightness[k], motion, weight, fresh);
                pixel = next_pixel(pixel, params.size.x);
        }
        result[i] = after;
}
