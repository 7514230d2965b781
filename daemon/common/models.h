/* The model files that there are to choose from. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_entry {
        char name[NAME_MAX + 1]; /* the file's, without its suffix */
        char path[PATH_MAX];
        uint64_t size; /* bytes */
        bool preset;   /* what is used where nothing else is named */
};

/* Those beside the default one, then those beside `configured` ("": none is) whose names are new; each folder's in the order
 * of their names.  *ret: free().  Returns their number, or -ENOMEM. */
int models_list(const char *configured, struct model_entry **ret);

/* Their names, or their files, after one another in a line for a person; "none" where there are none. */
void models_tell(const char *configured, bool files, char *ret, size_t size);
