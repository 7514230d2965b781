#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/answer.h"

/* Pasted from the output of tests/model/answer.py. */
/* clang-format off */
const struct answer answers[ANSWER_COUNT] = {
        {
                .info = {
                        .name = "self-test of bottlenecks",
                        .block = MODEL_BOTTLENECK,
                        .blocks = {1, 1, 2, 1},
                        .stem = {8, 8, 16},
                        .planes = {8, 16, 32, 64},
                        .head = 128,
                        .decoder = {32, 8},
                        .height = 72,
                        .width = 96,
                        .bgr = true,
                        .mean = {0.5f, 0.25f, 0.75f},
                        .std = {0.25f, 0.5f, 0.5f},
                        .classes = 5,
                },
                .peak = 4.46f,
                .points = {
                        -0.288266f, 1.471649f, 2.635970f, 2.263690f, 3.650943f, -1.000036f, 1.290027f, 2.744773f,
                        2.455208f, 3.929234f, -0.978227f, 1.770110f, 3.058513f, 2.658661f, 3.765839f, -1.261201f,
                        1.275472f, 2.851189f, 2.263496f, 3.955202f, -1.027457f, 1.449809f, 2.889654f, 2.302425f,
                        3.914988f, -0.950455f, 1.601165f, 2.705485f, 2.435654f, 3.810023f, -0.967479f, 1.731107f,
                        2.900109f, 1.973142f, 3.956992f, -1.037641f, 1.108865f, 2.859354f, 2.317577f, 3.396057f,
                        -1.423669f, 1.324243f, 3.031568f, 2.368464f, 4.038682f, -0.993715f, 1.455161f, 2.794434f,
                        2.419980f, 3.987118f, -1.074279f, 1.225934f, 2.868462f, 2.213193f, 4.158596f, -1.138484f,
                        1.089010f, 3.062333f, 1.861282f, 3.844121f, -1.033723f, 1.420755f, 2.793339f, 2.248238f,
                        4.083283f, -0.922517f, 1.624497f, 2.867644f, 1.989841f, 4.157893f, -1.186348f, 1.876149f,
                        2.840537f, 2.543033f, 3.536011f, -1.064234f, 1.695560f, 2.784659f, 2.130797f, 3.835492f,
                },
        },
        {
                .info = {
                        .name = "self-test of inverted residuals",
                        .block = MODEL_INVERTED,
                        .inverted = {
                                .stem = 8,
                                .layer_count = 4,
                                .level_count = 2,
                                .layers = {
                                        {3, 1, 1, 1, 8, 1},
                                        {3, 2, 1, 4, 16, 2},
                                        {5, 2, 1, 3, 24, 2},
                                        {5, 1, 2, 2, 24, 2},
                                },
                                .levels = {{24, 8, 5}, {16, 8, 3}},
                        },
                        .head = 32,
                        .height = 66,
                        .width = 90,
                        .mean = {0.25f, 0.5f, 0.75f},
                        .std = {0.5f, 0.25f, 0.5f},
                        .classes = 7,
                },
                .peak = 7.45f,
                .points = {
                        -1.508385f, 3.659960f, -1.091062f, -4.865327f, 5.307607f, 0.521718f, 1.164374f, -2.361749f,
                        3.519654f, -0.389233f, -3.831378f, 5.770948f, -0.318994f, 1.623539f, -2.553784f, 2.592412f,
                        0.629167f, -4.975634f, 4.257564f, 0.316903f, 3.026248f, -2.701457f, 3.097765f, 0.332095f,
                        -4.078714f, 4.809001f, 0.195504f, 2.854435f, -2.775557f, 1.359741f, 0.161755f, -2.370797f,
                        4.660563f, 0.390034f, 1.320175f, -3.146080f, 0.961806f, -0.057047f, -3.700289f, 4.464387f,
                        0.366000f, 2.751893f, -2.873089f, 1.050062f, -0.044836f, -4.175346f, 4.097500f, 0.088135f,
                        2.193150f, -2.993526f, 1.906421f, 0.257440f, -4.030545f, 5.338715f, -0.334600f, 1.919747f,
                        -2.629685f, 1.410147f, -0.026364f, -4.471135f, 6.242838f, -0.180753f, 2.837645f, -2.804498f,
                        1.271905f, -0.265775f, -2.077172f, 5.744270f, -0.155629f, 1.426686f, -3.017027f, 2.326822f,
                        -0.167181f, -2.865160f, 5.753121f, -0.177242f, 0.974622f, -2.596602f, 2.082580f, -0.148237f,
                },
        },
};
/* clang-format on */

static uint32_t crc32(const char *text)
{
        uint32_t crc = UINT32_MAX;

        for (; *text; text++) {
                crc ^= (uint8_t)*text;
                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
        return ~crc;
}

static uint32_t mix(uint32_t x)
{
        x ^= x >> 16;
        x *= 0x7feb352d;
        x ^= x >> 15;
        x *= 0x846ca68b;
        return x ^ x >> 16;
}

static bool ends_with(const char *text, const char *end)
{
        return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static bool starts_with(const char *text, const char *start)
{
        return strncmp(text, start, strlen(start)) == 0;
}

/* Chosen so that no branch dominates another, and each ReLU6 clips. */
static double gain(const struct model_info *info, const char *name)
{
        /* Products of maps are sums over many pixels. */
        if (strstr(name, ".phi.") || strstr(name, ".theta."))
                return 1.0 / 16;
        if (strstr(name, ".node_q.") || strstr(name, ".node_v."))
                return 1.0 / 3;
        if (info->block != MODEL_INVERTED || !(starts_with(name, "conv1.") || starts_with(name, "layer")))
                return 1;
        return strstr(name, ".conv3.") ? 1.0 / 3 : 3;
}

/* Weights that keep the values of every map near 1 (except where a ReLU6 clips), so that 16 bits are nearly as exact as
 * 32, and that make every tensor affect the answer. */
static float amplitude(const struct model_info *info, const struct graph_tensor *tensor)
{
        const char *name = tensor->name;
        bool late = starts_with(name, "context.") || starts_with(name, "layer6.") || starts_with(name, "decoder.");

        if (ends_with(name, ".weight"))
                return (float)(sqrt(4.0 * tensor->shape[0] / (double)tensor->count) * gain(info, name));
        return (float)((late ? 2.0 : 0.5) * gain(info, name));
}

int answer_tensor(const void *context, const struct graph_tensor *tensor, float **ret)
{
        float *values = malloc(tensor->count * sizeof *values), scale = amplitude(context, tensor);
        bool scalar = !ends_with(tensor->name, ".weight") && !ends_with(tensor->name, ".bias");
        uint32_t seed = crc32(tensor->name);

        if (!values)
                return -ENOMEM;
        for (size_t i = 0; i < tensor->count; i++) {
                int32_t unit = (int32_t)(mix(seed + (uint32_t)i) >> 8) - (1 << 23);

                values[i] = scalar ? 0.75f : (float)unit / (1 << 23) * scale;
        }
        *ret = values;
        return 0;
}

/* Waves with a different length in each colour. */
void answer_picture(const struct model_info *info, uint8_t *ret)
{
        for (uint32_t y = 0; y < info->height; y++)
                for (uint32_t x = 0; x < info->width; x++) {
                        for (uint32_t c = 0; c < 3; c++)
                                *ret++ = (uint8_t)(x * (3 + c) + y * (5 - c) + (x * y >> 3));
                        *ret++ = 255;
                }
}

size_t answer_index(const struct model_info *info, unsigned n)
{
        return ((size_t)(n % info->classes) * info->height + n * 37 % info->height) * info->width +
               n * 53 % info->width;
}
