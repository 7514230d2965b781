/* Commands that print a list: the JSON array that they find, or a table made from it. */
#pragma once

#include "daemon/visagectl/command-bus.h"

struct list_column {
        const char *title;
        const char *key; /* a text, an integer or an array of texts; "-" where it is null */
        bool right;      /* numbers */
        /* What to print instead of the value of `key`; may be NULL. */
        void (*text)(const json_t *row, char *ret, size_t size);
};

struct list {
        const char *help;
        bool bus; /* it takes --user and --system */
        /* `bus` is what those options chose.  *ret is a new array.  On a negative errno, `why` has the reason. */
        int (*find)(enum client_bus bus, json_t **ret, char *why, size_t why_size);
        const struct list_column *columns; /* the last has no title */
        const char *none;                  /* the message for an empty list: what is wrong, and what to do */
};

/* The whole command; returns an exit status. */
int command_list(int argc, char **argv, const struct list *list);
