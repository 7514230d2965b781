/* Aligned columns for a terminal. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 66 /* a matrix of MODEL_CLASSES_MAX, with two columns before it */

struct libscols_table;

struct table {
        unsigned columns;
        bool right[TABLE_COLUMNS_MAX]; /* numbers */
        struct libscols_table *lines;  /* NULL: there is none yet */
};

/* Adds a row of `columns` cells, made printable.  The last column is not padded. */
void table_row(struct table *table, const char *const *cells);
void table_print(const struct table *table, const char *indent, FILE *file);
void table_free(struct table *table);
