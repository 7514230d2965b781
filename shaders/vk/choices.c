/* What was chosen by measuring.  The file's text itself is the table: it is short, and only searched when a network is
 * made ready.  Its first line names the versions of this program and of the driver, because another version may make
 * another kernel the fastest.  The file's name is not enough: Mesa 22.3's software driver puts no version in its UUID.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shaders/vk/vk.h"

enum {
        MOST = 1 << 16, /* bytes of text: a few hundred choices */
        FIRST_MAX = 300,
};

static size_t first_line(const struct gpu *gpu, char ret[FIRST_MAX])
{
        return snprintf(ret, FIRST_MAX, VISAGED_VERSION " %s\n", gpu->info.driver);
}

static bool is_ours(const struct gpu *gpu, const char *text, size_t size)
{
        char line[FIRST_MAX];
        const size_t first = first_line(gpu, line);

        return size >= first && size < MOST && !memcmp(text, line, first) && text[size - 1] == '\n' &&
               !memchr(text, '\0', size);
}

int choices_open(struct gpu *gpu, const char *dir)
{
        size_t size;
        char *text;

        if (!dir)
                return 0;
        if (!(gpu->choices_path = file_name(gpu, dir, "choices")))
                return -ENOMEM;
        text = file_read(gpu->choices_path, &size);
        if (text && is_ours(gpu, text, size) && (gpu->choices = calloc(1, size + 1)))
                memcpy(gpu->choices, text, size);
        free(text);
        return 0;
}

void choices_close(struct gpu *gpu)
{
        free(gpu->choices);
        free(gpu->choices_path);
}

/* The line that begins with the key and a space. */
const char *choices_find(const struct gpu *gpu, const char *key, size_t *ret_size)
{
        const size_t size = strlen(key);

        for (const char *line = gpu->choices; line && *line; line = strchr(line, '\n') + 1)
                if (strncmp(line, key, size) == 0 && line[size] == ' ') {
                        *ret_size = strcspn(line + size + 1, "\n");
                        return line + size + 1;
                }
        return NULL;
}

int choices_add(struct gpu *gpu, const char *key, const char *word)
{
        const bool anew = !gpu->choices || strlen(gpu->choices) >= MOST / 2;
        char *text = NULL, line[FIRST_MAX];

        first_line(gpu, line);
        if (asprintf(&text, "%s%s %s\n", anew ? line : gpu->choices, key, word) < 0)
                return -ENOMEM;
        free(gpu->choices);
        gpu->choices = text;
        return 0;
}

int choices_save(const struct gpu *gpu)
{
        char line[FIRST_MAX];

        first_line(gpu, line);
        const char *text = gpu->choices ? gpu->choices : line;
        return gpu->choices_path ? file_write(gpu->choices_path, text, strlen(text)) : -ENOENT;
}
