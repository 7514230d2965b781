/* Aligned columns for a terminal. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 66 /* a matrix of MODEL_CLASSES_MAX, preceded by two columns */

struct table {
        unsigned columns;
        bool right[TABLE_COLUMNS_MAX]; /* aligned to the right, for numbers */
        char **cells;                  /* row after row; NULL: out of memory */
        unsigned count;
};

/* Adds a row of `columns` cells, made printable.  The last column is not padded. */
void table_row(struct table *table, const char *const *cells);
void table_print(const struct table *table, const char *indent, FILE *file);
void table_free(struct table *table);
