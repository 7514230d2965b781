/* The configuration file. */
#include <errno.h>
#include <string.h>

#include "daemon/common/config.h"
#include "tests/fuzz/fuzz.h"

#define COMPLAINTS_MAX 21 /* 20 mistakes, and a line that counts the rest */

struct heard {
        const char *path;
        unsigned count;
};

static void hear(void *userdata, const char *message)
{
        struct heard *heard = userdata;

        heard->count++;
        MUST(strncmp(message, heard->path, strlen(heard->path)) == 0 && message[strlen(heard->path)] == ':');
}

static void check_text(const char *text, size_t size)
{
        MUST(memchr(text, '\0', size));
        for (; *text; text++)
                MUST((unsigned char)*text >= ' ' && *text != 127);
}

/* Whatever mistakes a file has, no invalid value is ever set. */
static void check(const struct config *config)
{
        check_text(config->camera, sizeof config->camera);
        for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX; i++)
                check_text(config->virtual_camera[i], sizeof config->virtual_camera[i]);
        check_text(config->model, sizeof config->model);
        check_text(config->gpu, sizeof config->gpu);
        MUST(config->virtual_camera[0][0]);
        MUST(config->width >= 32 && config->width <= 8192 && config->width % 2 == 0);
        MUST(config->height >= 32 && config->height <= 8192 && config->height % 2 == 0);
        MUST(config->rate.denominator >= 1 && config->rate.numerator >= config->rate.denominator);
        MUST(config->rate.numerator <= 240 * (uint64_t)config->rate.denominator);
        MUST(config->precision == PRECISION_FP32 || config->precision == PRECISION_FP16);
        MUST(config->effect.chain && config->effect.chain < 1u << EFFECTS && (unsigned)config->mode <= MODE_EXACT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct config first, second;
        struct heard heard = {.path = memory_file(data, size, size)};
        int r;

        config_init(&first);
        second = first;
        r = config_read(&first, heard.path, hear, &heard);
        MUST(r == 0 || r == -EBADMSG);
        MUST((r == 0) == (heard.count == 0) && heard.count <= COMPLAINTS_MAX);
        check(&first);

        heard.count = 0;
        MUST(config_read(&second, heard.path, hear, &heard) == r);
        MUST(memcmp(&first, &second, sizeof first) == 0);
        return 0;
}
