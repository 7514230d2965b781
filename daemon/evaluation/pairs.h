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

/* The folder's errno; -ENOENT also if no picture has labels. */
int pairs_find(struct pairs *ret, const char *images, const char *labels, char *why, size_t why_size);
void pairs_free(struct pairs *pairs);
