#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/table.h"
#include "daemon/common/text.h"

/* Headings are ordinary rows.  Lines are never cut, because a terminal can be scrolled and a pipe has no width. */
static struct libscols_table *begin(const struct table *table)
{
        struct libscols_table *lines = scols_new_table();

        if (!lines)
                return NULL;
        scols_table_enable_noheadings(lines, 1);
        scols_table_enable_noencoding(lines, 1); /* text_printable() has done it */
        scols_table_set_column_separator(lines, "  ");
        scols_table_set_termforce(lines, SCOLS_TERMFORCE_NEVER);
        for (unsigned i = 0; i < table->columns; i++)
                scols_table_new_column(lines, "", 0, table->right[i] ? SCOLS_FL_RIGHT : 0);
        return lines;
}

void table_row(struct table *table, const char *const *cells)
{
        struct libscols_line *line;
        char text[1024];

        if (!table->lines)
                table->lines = begin(table);
        line = table->lines ? scols_table_new_line(table->lines, NULL) : NULL;
        for (unsigned i = 0; line && i < table->columns; i++) {
                text_printable(cells[i], text, sizeof text);
                scols_line_set_data(line, i, text);
        }
}

void table_print(const struct table *table, const char *indent, FILE *file)
{
        _cleanup_(freep) char *text = NULL;
        char *rest, *line;

        if (!table->lines || scols_print_table_to_string(table->lines, &text) < 0)
                return;
        for (rest = text; rest && (line = strsep(&rest, "\n")) && (rest || *line);)
                fprintf(file, "%s%s\n", indent, line);
}

void table_free(struct table *table)
{
        scols_unref_table(table->lines);
        table->lines = NULL;
}
