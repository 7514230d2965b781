/* The available model files. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_entry {
        char name[NAME_MAX + 1]; /* of the file, without its suffix */
        char path[PATH_MAX];
        uint64_t size;   /* bytes */
        bool is_default; /* the one that is used by default */
};

/* The models next to the default one, then those in /usr/local/share/visaged, then those next to `configured` ("":
 * none), without repeated names, each folder sorted by name.  The caller must free() *ret.  Returns how many there are,
 * or -ENOMEM. */
int models_list(const char *configured, struct model_entry **ret);

/* The names of `n` of them, or their paths, in one line for the user; "none" if there are none. */
void models_names(const struct model_entry *list, int n, bool files, char *ret, size_t size);
