#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/config.h"
#include "v4l2/names.h"

const char *const effect_names[] = {"overlay", "labels", "blur", "none", NULL};
const char *const mode_names[] = {"smooth", "exact", NULL};
const char *const precision_names[] = {"fp32", "fp16", NULL};
const char *const no_yes[] = {"no", "yes", NULL};

/* A string; a line break or other control character cannot be meant in any of them. */
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

/* One more.  A node's name without its folder is no file of pictures, and is found out only when it is too late. */
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

/* Even: the formats of a virtual camera share chroma between pixels. */
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

/* A plain decimal number of the range that `allowed` tells. */
static int parse_real(const struct config_key *key, const char *value, struct config *config)
{
        char *end;

        if (strspn(value, "0123456789.") != strlen(value) || !*value)
                return -EINVAL;
        double number = strtod(value, &end);
        if (*end || number < key->low || number > key->high)
                return -EINVAL;
        memcpy((char *)config + key->offset, &number, sizeof number);
        return 0;
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

const struct config_key config_keys[] = {
        {"camera", "CAMERA",
         "a capture node (/dev/video0, or its name in /dev/v4l/by-id),\n"
         "image:FILE (still), image:FILE?move, y4m:FILE or y4m:FILE?once;\n"
         "empty: the first camera there is",
         "", "a camera's path or name, image:FILE or y4m:FILE", parse_text, MEMBER(camera)},
        {"virtual-camera", "SINK",
         "a v4l2loopback node, y4m:FILE (y4m:- is standard output)\n"
         "or png:PATTERN, such as png:out/%04d.png; may be given several times",
         "/dev/video10", "a v4l2loopback node such as /dev/video10, y4m:FILE or png:PATTERN, up to four, each once",
         parse_output, .many = true, MEMBER(virtual_camera)},
        {"size", "WxH", "of the virtual camera's picture", "640x480",
         "width x height, such as 640x480, both even and from 32 to 8192", parse_size},
        {"rate", "N", "frames per second", "30", "frames per second from 1 to 240, such as 30 or 30000/1001",
         parse_rate},
        {"model", "FILE", "a .safetensors model file; empty: the one that comes with visaged", "", "a file", parse_text,
         MEMBER(model)},
        {"gpu", "GPU",
         "part of a GPU's name, its number in \"visagectl gpus\",\n"
         "or its /dev/dri/renderD... node; empty: the fastest kind there is",
         "", "part of a name, a number or a /dev/dri node", parse_text, MEMBER(gpu)},
        {"precision", "P", "how weights and feature maps are stored: fp32 or fp16", "fp32", "fp32 or fp16",
         parse_choice, .choices = precision_names, MEMBER(precision)},
        {"effect", "EFFECT",
         "overlay (the classes' colours over the picture), labels (only they),\n"
         "blur (of the background) or none",
         "overlay", "overlay, labels, blur or none", parse_choice, .choices = effect_names, MEMBER(look.effect)},
        {"opacity", "N", "of the overlay's colours, from 0 (not seen) to 1 (only they)", "0.5",
         "a number from 0 to 1, such as 0.5", parse_real, .low = 0, .high = 1, MEMBER(look.opacity)},
        {"strength", "N", "of the blur, from 0.25 (a little) to 4 (shapes only)", "1", "a number from 0.25 to 4",
         parse_real, .low = 0.25, .high = 4, MEMBER(look.strength)},
        {"mode", "MODE",
         "smooth (every frame, with the newest labels there are)\n"
         "or exact (a frame is shown when its own labels are there)",
         "smooth", "smooth or exact", parse_choice, .choices = mode_names, MEMBER(mode)},
        {"always-on", "YES", "keep the camera open when nobody watches: yes or no", "no", "yes or no", parse_choice,
         .choices = no_yes, MEMBER(always_on)},
        {NULL},
};

/* Where there may be many values, they go as one: a wrong one leaves those before as they are. */
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

        for (const struct config_key *key = config_keys; key->name; key++) {
                if (strcmp(key->name, name) != 0)
                        continue;
                int r = add ? key->parse(key, value, config) : replace(key, value, config);
                if (r < 0)
                        snprintf(why, why_size, "%s cannot be \"%.200s\": allowed is %s", name, value, key->allowed);
                return r;
        }
        n = snprintf(why, why_size, "unknown key \"%.100s\": allowed are", name);
        for (const struct config_key *key = config_keys; key->name && n < why_size; key++)
                n += snprintf(why + n, why_size - n, "%s %s", key == config_keys ? "" : ",", key->name);
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
        for (const struct config_key *key = config_keys; key->name; key++) {
                int r = key->parse(key, key->preset, config);
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
