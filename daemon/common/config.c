#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "daemon/common/config.h"
#include "v4l2/names.h"

const char *const mode_names[] = {"smooth", "exact", NULL};
const char *const precision_names[] = {"fp32", "fp16", NULL};
const char *const no_yes[] = {"no", "yes", NULL};

/* A string.  A line break or another control character is always a mistake. */
static int parse_text(const struct config_key *key, const char *value, struct config *config)
{
        if (strlen(value) >= key->size)
                return -EINVAL;
        for (const char *c = value; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 127)
                        return -EINVAL;
        strcpy((char *)config + key->offset, value);
        return 0;
}

/* Adds an output.  Refuses the name of a node without its folder, which would otherwise be noticed too late. */
static int parse_output(const struct config_key *key, const char *value, struct config *config)
{
        struct config_key place = *key;

        if (name_of_output(value, NULL) == NAME_NODE && value[0] != '/')
                return -EINVAL;
        place.size = sizeof config->virtual_camera[0];
        for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX; i++, place.offset += place.size) {
                if (!config->virtual_camera[i][0])
                        return parse_text(&place, value, config);
                if (strcmp(config->virtual_camera[i], value) == 0)
                        return -EINVAL;
        }
        return -EINVAL;
}

static int parse_choice(const struct config_key *key, const char *value, struct config *config)
{
        for (unsigned i = 0; key->choices[i]; i++)
                if (strcmp(value, key->choices[i]) == 0) {
                        memcpy((char *)config + key->offset, &i, sizeof i);
                        return 0;
                }
        return -EINVAL;
}

/* A plain decimal number from `low` to `high`; *end is where it stops. */
static int parse_number(const char *text, uint32_t low, uint32_t high, uint32_t *ret, const char **end)
{
        uint64_t n = 0;

        if (*text < '0' || *text > '9')
                return -EINVAL;
        for (; *text >= '0' && *text <= '9'; text++)
                if ((n = n * 10 + (*text - '0')) > high)
                        return -EINVAL;
        if (n < low)
                return -EINVAL;
        *ret = n;
        *end = text;
        return 0;
}

static int parse_whole(const struct config_key *key, const char *value, struct config *config)
{
        const char *end;
        uint32_t n;

        if (parse_number(value, key->low, key->high, &n, &end) < 0 || *end)
                return -EINVAL;
        memcpy((char *)config + key->offset, &n, sizeof n);
        return 0;
}

/* Width and height must be even, because the formats of a virtual camera share chroma between pixels. */
static int parse_size(const struct config_key *key, const char *value, struct config *config)
{
        uint32_t width, height;
        const char *end;

        if (parse_number(value, 32, 8192, &width, &end) < 0 || *end != 'x' ||
            parse_number(end + 1, 32, 8192, &height, &end) < 0 || *end || width % 2 || height % 2)
                return -EINVAL;
        config->width = width;
        config->height = height;
        return 0;
}

static int parse_effect(const struct config_key *key, const char *value, struct config *config)
{
        return effect_chain_parse(value, &config->effect.chain);
}

static int parse_option(const struct config_key *key, const char *value, struct config *config)
{
        return effect_option_parse(key->option, value, (double *)((char *)config + key->offset));
}

static int parse_rate(const struct config_key *key, const char *value, struct config *config)
{
        struct frame_rate rate = {.denominator = 1};
        const char *end;

        if (parse_number(value, 1, 1000000, &rate.numerator, &end) < 0 ||
            (*end == '/' && parse_number(end + 1, 1, 1000000, &rate.denominator, &end) < 0) || *end)
                return -EINVAL;
        if (rate.numerator < rate.denominator || rate.numerator / rate.denominator > 240 ||
            (rate.numerator / rate.denominator == 240 && rate.numerator % rate.denominator))
                return -EINVAL;
        config->rate = rate;
        return 0;
}

#define MEMBER(m) .offset = offsetof(struct config, m), .size = sizeof(((struct config *)0)->m)

static const struct config_key fixed_keys[] = {
        {"camera", "CAMERA",
         "a capture node (/dev/video0, or its name in /dev/v4l/by-id),\n"
         "image:FILE (still), image:FILE?move, y4m:FILE or y4m:FILE?once;\n"
         "empty: the first camera found",
         "", "a camera's path or name, image:FILE or y4m:FILE", parse_text, MEMBER(camera)},
        {"virtual-camera", "SINK",
         "a v4l2loopback node, y4m:FILE (y4m:- is standard output)\n"
         "or png:PATTERN, such as png:out/%04d.png; may be given several times",
         "/dev/video10",
         "a v4l2loopback node such as /dev/video10, y4m:FILE or png:PATTERN; at most four, all different", parse_output,
         .many = true, MEMBER(virtual_camera)},
        {"size", "WxH", "size of the virtual camera's picture", "640x480",
         "width x height, such as 640x480, both even and from 32 to 8192", parse_size},
        {"rate", "N", "frames per second", "30",
         "a number of frames per second from 1 to 240, such as 30 or 30000/1001", parse_rate},
        {"model", "FILE", "a .safetensors model file; empty: the one that comes with visaged", "", "a file", parse_text,
         MEMBER(model)},
        {"gpu", "GPU",
         "part of a GPU's name, its number in \"visagectl gpus\",\n"
         "or its /dev/dri/renderD... node; empty: the fastest kind of GPU",
         "", "part of a name, a number or a /dev/dri node", parse_text, MEMBER(gpu)},
        {"precision", "P", "how weights and feature maps are stored: fp32 or fp16", "fp32", "fp32 or fp16",
         parse_choice, .choices = precision_names, MEMBER(precision)},
        {"mode", "MODE",
         "smooth (every frame, with the newest labels available)\n"
         "or exact (each frame when its own labels are ready)",
         "smooth", "smooth or exact", parse_choice, .choices = mode_names, MEMBER(mode)},
        {"label-age", "MS",
         "how old labels may be, in milliseconds, for an effect that\n"
         "hides something by them; its frames wait for newer ones",
         "300", "milliseconds from 0 to 10000", parse_whole, .high = 10000, MEMBER(label_age_ms)},
        {"faces", "N",
         "how many faces get a view of their own; more are still found,\n"
         "in the view of the whole picture",
         "4", "a number from 1 to 8", parse_whole, .low = 1, .high = CONFIG_FACES_MAX, MEMBER(faces)},
        {"face-born", "MS", "how long a face must be seen, in milliseconds, before it is there", "300",
         "milliseconds from 0 to 10000", parse_whole, .high = 10000, MEMBER(face_born_ms)},
        {"face-gone", "MS", "how long it must be unseen, in milliseconds, before it is gone", "1000",
         "milliseconds from 0 to 10000", parse_whole, .high = 10000, MEMBER(face_gone_ms)},
        {"always-on", "YES", "keep the camera open when nobody watches: yes or no", "no", "yes or no", parse_choice,
         .choices = no_yes, MEMBER(always_on)},
};
#define FIXED_KEYS (sizeof fixed_keys / sizeof fixed_keys[0])

/* ---- the keys of the effects ---- */

static struct config_key keys[CONFIG_KEYS_MAX];

struct text {
        char help[2 * EFFECT_TEXT_MAX], allowed[EFFECT_TEXT_MAX], default_value[32];
};

static struct config_key effect_key(void)
{
        static struct text text;
        size_t n = 0;

        n = snprintf(text.help, sizeof text.help, "what is shown, several effects joined by +:");
        for (unsigned i = 0; i < EFFECTS && n < sizeof text.help; i++)
                n += snprintf(text.help + n, sizeof text.help - n, "\n%s: %s", effects[i]->name, effects[i]->help);
        effect_chain_allowed(text.allowed);
        return (struct config_key){"effect", "EFFECT", text.help, "blur", text.allowed, parse_effect};
}

static struct config_key option_key(unsigned effect, unsigned i)
{
        static struct text texts[EFFECTS][EFFECT_OPTIONS_MAX];
        const struct effect_option *option = &effects[effect]->options[i];
        struct text *text = &texts[effect][i];
        char allowed[EFFECT_TEXT_MAX];

        effect_option_allowed(option, allowed);
        memcpy(text->allowed, allowed, sizeof allowed);
        snprintf(text->help, sizeof text->help, "%s: %s;\n%s", effects[effect]->name, option->help, allowed);
        snprintf(text->default_value, sizeof text->default_value, "%g", option->default_value);
        return (struct config_key){
                option->name,
                "N",
                text->help,
                text->default_value,
                text->allowed,
                parse_option,
                .option = option,
                .offset = offsetof(struct config, effect.options) + (effect * EFFECT_OPTIONS_MAX + i) * sizeof(double),
        };
}

static void make_keys(void)
{
        struct config_key *key = keys;

        memcpy(key, fixed_keys, sizeof fixed_keys);
        key += FIXED_KEYS;
        *key++ = effect_key();
        for (unsigned effect = 0; effect < EFFECTS; effect++)
                for (unsigned i = 0; effects[effect]->options[i].name; i++) {
                        assert(key < keys + CONFIG_KEYS_MAX - 1);
                        *key++ = option_key(effect, i);
                }
}

const struct config_key *config_keys(void)
{
        static once_flag made = ONCE_FLAG_INIT;

        call_once(&made, make_keys);
        return keys;
}

/* ---- all keys ---- */

/* For a key with many values, replaces them all, but only if the new value is valid. */
static int replace(const struct config_key *key, const char *value, struct config *config)
{
        struct config new = {0};

        if (!key->many)
                return key->parse(key, value, config);
        int r = key->parse(key, value, &new);
        if (r == 0)
                memcpy((char *)config + key->offset, (char *)&new + key->offset, key->size);
        return r;
}

static int set(struct config *config, const char *name, const char *value, bool add, char *why, size_t why_size)
{
        size_t n;

        for (const struct config_key *key = config_keys(); key->name; key++) {
                if (strcmp(key->name, name) != 0)
                        continue;
                int r = add ? key->parse(key, value, config) : replace(key, value, config);
                if (r < 0)
                        snprintf(why, why_size, "%s cannot be \"%.200s\": must be %s", name, value, key->allowed);
                return r;
        }
        n = snprintf(why, why_size, "unknown key \"%.100s\"; the keys are", name);
        for (const struct config_key *key = config_keys(); key->name && n < why_size; key++)
                n += snprintf(why + n, why_size - n, "%s %s", key == keys ? "" : ",", key->name);
        return -ENOENT;
}

int config_set(struct config *config, const char *name, const char *value, char *why, size_t why_size)
{
        return set(config, name, value, false, why, why_size);
}

int config_add(struct config *config, const char *name, const char *value, char *why, size_t why_size)
{
        return set(config, name, value, true, why, why_size);
}

void config_init(struct config *config)
{
        *config = (struct config){0};
        for (const struct config_key *key = config_keys(); key->name; key++) {
                int r = key->parse(key, key->default_value, config);
                assert(r == 0);
                (void)r;
        }
}

bool config_same_engine(const struct config *a, const struct config *b)
{
        return strcmp(a->model, b->model) == 0 && strcmp(a->gpu, b->gpu) == 0 && a->precision == b->precision;
}

void config_choose_engine(struct config *to, const struct config *from)
{
        memcpy(to->model, from->model, sizeof to->model);
        memcpy(to->gpu, from->gpu, sizeof to->gpu);
        to->precision = from->precision;
}
