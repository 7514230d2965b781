/* The pictures of one folder, and the label files of another that go with them: NAME.png with NAME.jpg. */
#pragma once

#include <stddef.h>

struct pair {
        char *picture, *labels; /* a label file need not be there */
};

struct pairs {
        struct pair *list; /* by name; what has the same labels is side by side */
        size_t count;
};

/* The folder's errno; -ENOENT also when no picture has labels. */
int pairs_find(struct pairs *ret, const char *images, const char *labels, char *why, size_t why_size);
void pairs_free(struct pairs *pairs);
