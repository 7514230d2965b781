/* The names of the files that `visagectl parse` writes.  Ensures that it does not overwrite its own inputs and
 * results. */
#pragma once

#include <limits.h>
#include <stddef.h>

struct outputs {
        const char *const *files; /* the inputs */
        char **stems;             /* of each handled input: the names of its results without the suffixes */
        int count;
        const char *directory; /* "": the current one */
};

struct output_names {
        char labels[PATH_MAX], overlay[PATH_MAX];
};

/* -ENOMEM */
int outputs_init(struct outputs *outputs, const char *directory, const char *const *files, int count);
void outputs_finish(struct outputs *outputs);

/* The names for input `i`.  With `why`: -EEXIST: a result would overwrite an input, or a result of a previous input;
 * -ENAMETOOLONG; -ENOMEM. */
int outputs_names(struct outputs *outputs, int i, struct output_names *ret, char *why, size_t why_size);

/* The number of the input that is the same file as `path`, or -1. */
int outputs_is_input(const struct outputs *outputs, const char *path);
