#include <stdlib.h>
#include <string.h>

#include "daemon/common/table.h"
#include "daemon/common/text.h"

/* Counts characters, assuming that each is one column wide. */
static unsigned width(const char *text)
{
        unsigned n = 0;

        for (; *text; text++)
                n += (*text & 0xc0) != 0x80;
        return n;
}

void table_row(struct table *table, const char *const *cells)
{
        char **grown = realloc(table->cells, (table->count + table->columns) * sizeof *grown);
        char text[1024];

        if (!grown)
                return;
        table->cells = grown;
        for (unsigned i = 0; i < table->columns; i++) {
                text_printable(cells[i], text, sizeof text);
                table->cells[table->count++] = strdup(text);
        }
}

void table_print(const struct table *table, const char *indent, FILE *file)
{
        unsigned widths[TABLE_COLUMNS_MAX] = {0};

        for (unsigned i = 0; i < table->count; i++) {
                unsigned n = width(table->cells[i] ? table->cells[i] : ""), column = i % table->columns;
                if (n > widths[column])
                        widths[column] = n;
        }
        for (unsigned i = 0; i < table->count; i++) {
                const char *cell = table->cells[i] ? table->cells[i] : "";
                unsigned column = i % table->columns, pad = widths[column] - width(cell);
                fputs(column == 0 ? indent : "  ", file);
                if (table->right[column])
                        fprintf(file, "%*s", (int)pad, "");
                fputs(cell, file);
                if (column + 1 == table->columns)
                        fputc('\n', file);
                else if (!table->right[column])
                        fprintf(file, "%*s", (int)pad, "");
        }
}

void table_free(struct table *table)
{
        for (unsigned i = 0; i < table->count; i++)
                free(table->cells[i]);
        free(table->cells);
        table->cells = NULL;
        table->count = 0;
}
