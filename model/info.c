#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/info.h"
#include "model/why.h"

#define WIDTH_MIN 8
#define WIDTH_MAX 4096
#define INVERTED_MAX 2048
#define EXPANSION_MAX 8 /* so that no map is wider than a bottleneck's */

/* One line of text that fits, without control characters, because it ends up in logs, on the bus and on terminals. */
static bool text(const json_t *value, char *ret, size_t size)
{
        const char *string = json_string_value(value);

        if (!string || !*string || strlen(string) >= size)
                return false;
        for (const unsigned char *c = (const unsigned char *)string; *c; c++)
                if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)) /* U+0080 to U+009F too */
                        return false;
        strcpy(ret, string);
        return true;
}

static bool whole(const json_t *value, uint32_t min, uint32_t max, uint32_t multiple, uint32_t *ret)
{
        json_int_t n = json_integer_value(value);

        if (!json_is_integer(value) || n < min || n > max || n % multiple != 0)
                return false;
        *ret = (uint32_t)n;
        return true;
}

static bool wholes(const json_t *value, size_t count, uint32_t min, uint32_t max, uint32_t multiple, uint32_t *ret)
{
        if (!json_is_array(value) || json_array_size(value) != count)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!whole(json_array_get(value, i), min, max, multiple, &ret[i]))
                        return false;
        return true;
}

/* The kernel of a depthwise convolution. */
static bool kernel(const json_t *value, uint32_t *ret)
{
        return whole(value, 3, 5, 1, ret) && *ret != 4;
}

static bool numbers(const json_t *value, float min, float *ret)
{
        if (!json_is_array(value) || json_array_size(value) != 3)
                return false;
        for (size_t i = 0; i < 3; i++) {
                const json_t *item = json_array_get(value, i);

                ret[i] = (float)json_number_value(item);
                if (!json_is_number(item) || !(fabsf(ret[i]) <= 1e6f) || !(ret[i] >= min))
                        return false;
        }
        return true;
}

static bool parse_format(const json_t *value, struct model_info *info)
{
        return json_is_string(value) && strcmp(json_string_value(value), "visaged-1") == 0;
}

static bool parse_name(const json_t *value, struct model_info *info)
{
        return text(value, info->name, sizeof info->name);
}

static bool parse_block(const json_t *value, struct model_info *info)
{
        static const char *const names[] = {
                [MODEL_BASIC] = "basic", [MODEL_BOTTLENECK] = "bottleneck", [MODEL_INVERTED] = "inverted"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (json_is_string(value) && strcmp(json_string_value(value), names[i]) == 0) {
                        info->block = (enum model_block)i;
                        return true;
                }
        return false;
}

static bool parse_blocks(const json_t *value, struct model_info *info)
{
        return wholes(value, 4, 1, 64, 1, info->blocks);
}

static bool parse_stem(const json_t *value, struct model_info *info)
{
        return wholes(value, 3, WIDTH_MIN, WIDTH_MAX, 8, info->stem);
}

static bool parse_planes(const json_t *value, struct model_info *info)
{
        return wholes(value, 4, WIDTH_MIN, WIDTH_MAX, 8, info->planes);
}

/* A multiple of 16, because a quarter of it is the number of states in the feature graph, and maps have groups of 4
 * channels. */
static bool parse_head(const json_t *value, struct model_info *info)
{
        return whole(value, 16, WIDTH_MAX, 16, &info->head);
}

static bool parse_decoder(const json_t *value, struct model_info *info)
{
        return wholes(value, 2, WIDTH_MIN, WIDTH_MAX, 8, info->decoder);
}

static bool parse_inverted_stem(const json_t *value, struct model_info *info)
{
        return wholes(value, 1, WIDTH_MIN, WIDTH_MAX, 8, &info->inverted.stem);
}

static bool parse_layer(const json_t *row, struct model_layer *ret)
{
        return json_array_size(row) == 6 && kernel(json_array_get(row, 0), &ret->kernel) &&
               whole(json_array_get(row, 1), 1, 2, 1, &ret->stride) &&
               whole(json_array_get(row, 2), 1, 4, 1, &ret->dilation) &&
               whole(json_array_get(row, 3), 1, EXPANSION_MAX, 1, &ret->expansion) &&
               whole(json_array_get(row, 4), WIDTH_MIN, INVERTED_MAX, 8, &ret->channels) &&
               whole(json_array_get(row, 5), 1, 64, 1, &ret->blocks);
}

static bool parse_layers(const json_t *value, struct model_info *info)
{
        struct model_inverted *inverted = &info->inverted;
        size_t count = json_array_size(value);

        if (count < 1 || count > MODEL_LAYERS_MAX)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!parse_layer(json_array_get(value, i), &inverted->layers[i]))
                        return false;
        inverted->layer_count = (uint32_t)count;
        return true;
}

/* The map that a level reads: each has half the stride of the previous one. */
static uint32_t halvings(const struct model_inverted *inverted)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < inverted->layer_count; i++)
                count += inverted->layers[i].stride == 2;
        /* If the first layer has a stride, its input is not the result of a layer. */
        return count - (inverted->layers[0].stride == 2 && count > 0);
}

static bool parse_levels(const json_t *value, struct model_info *info)
{
        struct model_inverted *inverted = &info->inverted;
        size_t count = json_array_size(value);

        if (count < 1 || count > MODEL_LEVELS_MAX || count > halvings(inverted))
                return false;
        for (size_t i = 0; i < count; i++) {
                const json_t *row = json_array_get(value, i);
                struct model_level *level = &inverted->levels[i];

                if (json_array_size(row) != 3 ||
                    !whole(json_array_get(row, 0), WIDTH_MIN, INVERTED_MAX, 8, &level->channels) ||
                    !whole(json_array_get(row, 1), WIDTH_MIN, INVERTED_MAX, 8, &level->lateral) ||
                    !kernel(json_array_get(row, 2), &level->kernel))
                        return false;
        }
        inverted->level_count = (uint32_t)count;
        return true;
}

static bool parse_input(const json_t *value, struct model_info *info)
{
        uint32_t size[2];

        if (!wholes(value, 2, 33, 2048, 1, size))
                return false;
        info->height = size[0];
        info->width = size[1];
        return true;
}

static bool parse_shape(const json_t *value, struct model_info *info)
{
        enum { AREA_MIN = 64 * 64 }; /* else model_fit() would make sides too short for the network */
        const char *shape = json_string_value(value);

        info->free_shape = shape && strcmp(shape, "free") == 0 && info->height * info->width >= AREA_MIN;
        return info->free_shape || (shape && strcmp(shape, "fixed") == 0);
}

static bool parse_channels(const json_t *value, struct model_info *info)
{
        const char *order = json_string_value(value);

        info->bgr = order && strcmp(order, "BGR") == 0;
        return info->bgr || (order && strcmp(order, "RGB") == 0);
}

static bool parse_mean(const json_t *value, struct model_info *info)
{
        return numbers(value, -1e6f, info->mean);
}

static bool parse_std(const json_t *value, struct model_info *info)
{
        return numbers(value, 1e-6f, info->std);
}

static bool parse_color(const json_t *value, uint8_t ret[3])
{
        const char *string = json_string_value(value);
        unsigned r, g, b;

        if (!string || strlen(string) != 7 || string[0] != '#' || strspn(string + 1, "0123456789abcdefABCDEF") != 6 ||
            sscanf(string + 1, "%2x%2x%2x", &r, &g, &b) != 3)
                return false;
        ret[0] = (uint8_t)r;
        ret[1] = (uint8_t)g;
        ret[2] = (uint8_t)b;
        return true;
}

static bool parse_classes(const json_t *value, struct model_info *info)
{
        size_t count = json_array_size(value);

        if (!json_is_array(value) || count < 1 || count > MODEL_CLASSES_MAX)
                return false;
        for (size_t i = 0; i < count; i++) {
                const json_t *item = json_array_get(value, i);
                struct model_class *class = &info->class[i];

                if (!json_is_object(item) || json_object_size(item) != 2 ||
                    !text(json_object_get(item, "name"), class->name, sizeof class->name) ||
                    !parse_color(json_object_get(item, "color"), class->color))
                        return false;
                for (size_t j = 0; j < i; j++)
                        if (strcmp(info->class[j].name, class->name) == 0)
                                return false;
        }
        info->classes = (uint32_t)count;
        return true;
}

static bool parse_license(const json_t *value, struct model_info *info)
{
        return text(value, info->license, sizeof info->license);
}

static bool parse_provenance(const json_t *value, struct model_info *info)
{
        return text(value, info->provenance, sizeof info->provenance);
}

/* "format" comes first: for a file in another format, nothing else is reported.  "block" determines which of the other
 * keys there are. */
enum {
        RESNETS = 1 << MODEL_BASIC | 1 << MODEL_BOTTLENECK,
        INVERTED = 1 << MODEL_INVERTED,
        ALL = RESNETS | INVERTED,
        OPTIONAL = 1 << 8, /* the key may be missing */
};

static const struct {
        unsigned blocks; /* kinds of blocks whose files have the key */
        const char *key;
        bool (*parse)(const json_t *value, struct model_info *info);
        const char *must;
} keys[] = {
        {ALL, "format", parse_format, "\"visaged-1\""},
        {ALL, "name", parse_name, "one line of 1 to 63 bytes"},
        {ALL, "block", parse_block, "\"basic\", \"bottleneck\" or \"inverted\""},
        {RESNETS, "blocks", parse_blocks, "4 whole numbers from 1 to 64"},
        {RESNETS, "stem", parse_stem, "3 multiples of 8 from 8 to 4096"},
        {RESNETS, "planes", parse_planes, "4 multiples of 8 from 8 to 4096"},
        {ALL, "head", parse_head, "a multiple of 16 from 16 to 4096"},
        {RESNETS, "decoder", parse_decoder, "2 multiples of 8 from 8 to 4096"},
        {INVERTED, "stem", parse_inverted_stem, "one multiple of 8 from 8 to 4096"},
        {INVERTED, "layers", parse_layers,
         "1 to 8 of [kernel 3 or 5, stride 1 or 2, dilation 1 to 4, expansion 1 to 8, channels: a multiple of 8 from 8 "
         "to "
         "2048, blocks 1 to 64]"},
        {INVERTED, "decoder", parse_levels,
         "1 to 4 of [channels, lateral channels: multiples of 8 from 8 to 2048, kernel 3 or 5], no more than layers "
         "halve the "
         "map"},
        {ALL, "input", parse_input, "a height and a width from 33 to 2048"},
        {ALL | OPTIONAL, "shape", parse_shape, "\"fixed\" or, if \"input\" has at least 64 * 64 pixels, \"free\""},
        {ALL, "channels", parse_channels, "\"RGB\" or \"BGR\""},
        {ALL, "mean", parse_mean, "3 numbers from -1e6 to 1e6"},
        {ALL, "std", parse_std, "3 numbers from 1e-6 to 1e6"},
        {ALL, "classes", parse_classes,
         "1 to 64 of {\"name\": one line of 1 to 31 bytes, \"color\": \"#rrggbb\"}, all names different"},
        {ALL, "license", parse_license, "one line of 1 to 255 bytes"},
        {ALL, "provenance", parse_provenance, "one line of 1 to 1023 bytes"},
};

int info_parse(const struct safetensors *file, const char *path, struct model_info *ret, char *why, size_t why_size)
{
        struct model_info info = {0};

        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
                const char *string = safetensors_metadata(file, keys[i].key);
                json_error_t error;
                json_t *value;
                bool good;

                if (!(keys[i].blocks & 1u << info.block))
                        continue;
                if (!string && keys[i].blocks & OPTIONAL)
                        continue;
                if (!string)
                        return why_set(why, why_size, -EBADMSG, "%s: metadata has no \"%s\"", path, keys[i].key);
                value = json_loads(string, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
                if (!value && !error.text[0]) /* all other errors have a text */
                        return why_set(why, why_size, -ENOMEM, "%s: out of memory", path);
                if (!value)
                        return why_set(why, why_size, -EBADMSG, "%s: metadata \"%s\" is not JSON: %s", path,
                                       keys[i].key, error.text);
                good = keys[i].parse(value, &info);
                json_decref(value);
                if (!good)
                        return why_set(why, why_size, -EBADMSG, "%s: metadata \"%s\" must be %s", path, keys[i].key,
                                       keys[i].must);
        }
        *ret = info;
        return 0;
}

/* The ratio of the sides is limited.  The shorter side is rounded, and the longer one is as large as the area permits.
 */
void model_fit(struct model_info *info, uint32_t width, uint32_t height)
{
        enum { STEP = 16, LONGEST = 2 };
        const uint32_t area = info->width * info->height;
        uint32_t *shorter = width < height ? &info->width : &info->height;
        uint32_t *longer = width < height ? &info->height : &info->width;
        double ratio = width < height ? (double)height / width : (double)width / height;

        if (!info->free_shape)
                return;
        ratio = fmin(ratio, LONGEST);
        *shorter = STEP * (uint32_t)fmax(round(sqrt(area / ratio) / STEP), 1);
        *longer = STEP * (area / *shorter / STEP);
}
