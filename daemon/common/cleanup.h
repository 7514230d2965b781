/* Release at the end of a scope: `_cleanup_(freep) char *s = NULL;`. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void freep(void *pointer)
{
        free(*(void **)pointer);
}

static inline void fclosep(FILE **file)
{
        if (*file)
                fclose(*file);
}

static inline void closep(const int *fd)
{
        if (*fd >= 0)
                close(*fd);
}
