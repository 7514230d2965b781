#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/common/paths.h"
#include "daemon/evaluation/outputs.h"

int outputs_init(struct outputs *outputs, const char *directory, const char *const *files, int count)
{
        *outputs = (struct outputs){.files = files, .count = count, .directory = directory ? directory : ""};
        outputs->stems = calloc(count + 1, sizeof *outputs->stems);
        return outputs->stems ? 0 : -ENOMEM;
}

void outputs_finish(struct outputs *outputs)
{
        for (int i = 0; outputs->stems && i < outputs->count; i++)
                free(outputs->stems[i]);
        free(outputs->stems);
        outputs->stems = NULL;
}

int outputs_is_input(const struct outputs *outputs, const char *path)
{
        struct stat wanted, st;

        if (stat(path, &wanted) < 0)
                return -1;
        for (int i = 0; i < outputs->count; i++)
                if (stat(outputs->files[i], &st) == 0 && st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino)
                        return i;
        return -1;
}

static int check(struct outputs *outputs, int i, const struct output_names *names, char *why, size_t why_size)
{
        const char *results[] = {names->labels, names->overlay};

        for (int k = 0; k < i; k++)
                if (outputs->stems[k] && strcmp(outputs->stems[k], outputs->stems[i]) == 0) {
                        snprintf(why, why_size, "its results would overwrite those of %s", outputs->files[k]);
                        return -EEXIST;
                }
        for (int k = 0; k < 2; k++)
                if (outputs_is_input(outputs, results[k]) >= 0) {
                        snprintf(why, why_size, "its result %s would overwrite an input picture", results[k]);
                        return -EEXIST;
                }
        return 0;
}

int outputs_names(struct outputs *outputs, int i, struct output_names *ret, char *why, size_t why_size)
{
        const char *slash = strrchr(outputs->files[i], '/'), *name = slash ? slash + 1 : outputs->files[i];
        const char *directory = outputs->directory;
        size_t n = strlen(directory);
        char stem[PATH_MAX];

        int length = snprintf(stem, sizeof stem, "%s%s%.*s", directory, n > 0 && directory[n - 1] != '/' ? "/" : "",
                              (int)paths_stem(name), name);
        if (length < 0 || (size_t)length >= sizeof stem - sizeof ".overlay.png") {
                snprintf(why, why_size, "the names of the results would be too long");
                return -ENAMETOOLONG;
        }
        outputs->stems[i] = strdup(stem);
        if (!outputs->stems[i]) {
                snprintf(why, why_size, "out of memory");
                return -ENOMEM;
        }
        memcpy(ret->labels, stem, length);
        strcpy(ret->labels + length, ".labels.png");
        memcpy(ret->overlay, stem, length);
        strcpy(ret->overlay + length, ".overlay.png");
        int r = check(outputs, i, ret, why, why_size);
        if (r < 0) {
                free(outputs->stems[i]);
                outputs->stems[i] = NULL;
        }
        return r;
}
