/* Pairs the pictures of one folder with the label files of another: NAME.jpg with NAME.png. */
#pragma once

#include <stddef.h>

struct pair {
        char *picture, *labels; /* the label file may not exist */
};

struct pairs {
        struct pair *list; /* sorted by name; pictures with the same labels are adjacent */
        size_t count;
};

/* pairs_free() it.  With `why`: the folder's errno; -ENOENT: there is no picture, or none has labels; -ENOMEM. */
int pairs_find(struct pairs *ret, const char *images, const char *labels, char *why, size_t why_size);
void pairs_free(struct pairs *pairs);
