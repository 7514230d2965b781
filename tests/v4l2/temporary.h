/* A folder of its own for each test program, removed at the end. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char temporary[64];

static inline int temporary_make(void **state)
{
        (void)state;
        strcpy(temporary, "/tmp/visaged-test.XXXXXX");
        return mkdtemp(temporary) ? 0 : -1;
}

static inline int temporary_drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static inline int temporary_remove(void **state)
{
        (void)state;
        return nftw(temporary, temporary_drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* `prefix` and the path of `name` in the folder.  The result is one of four strings that are used in turn. */
static inline const char *temporary_path(const char *prefix, const char *name)
{
        static char paths[4][256];
        static unsigned turn;
        char *path = paths[turn++ % 4];

        snprintf(path, sizeof paths[0], "%s%s/%s", prefix, temporary, name);
        return path;
}

static inline const char *temporary_file(const char *name, const void *data, size_t size)
{
        const char *path = temporary_path("", name);
        FILE *file = fopen(path, "wb");

        if (!file || fwrite(data, 1, size, file) != size || fclose(file))
                abort();
        return path;
}
