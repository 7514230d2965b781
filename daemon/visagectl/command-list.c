#include <stdio.h>
#include <string.h>

#include "daemon/common/table.h"
#include "daemon/visagectl/command-list.h"
#include "daemon/visagectl/command.h"

static int parse_options(int argc, char **argv, const char *help, bool *ret_json)
{
        static const struct option table[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
        int option;

        *ret_json = false;
        while ((option = command_getopt(argc, argv, "h", table)) != -1) {
                if (option == 'h') {
                        fputs(help, stdout);
                        return 0;
                }
                if (option != 'j')
                        return command_usage(argv[0], NULL);
                *ret_json = true;
        }
        return -1;
}

/* ---- the table ---- */

static void value_text(const json_t *value, char *ret, size_t size)
{
        const json_t *word;
        size_t i, n = 0;

        if (json_is_integer(value))
                snprintf(ret, size, "%lld", (long long)json_integer_value(value));
        else if (!json_is_array(value))
                snprintf(ret, size, "%s", json_is_string(value) ? json_string_value(value) : "-");
        json_array_foreach(value, i, word) if (n < size) n +=
                snprintf(ret + n, size - n, "%s%s", i > 0 ? " " : "", json_string_value(word));
}

static void print_table(const struct list_column *columns, const json_t *rows)
{
        enum { COLUMNS_MAX = 8, SIZE = 512 };
        struct table table = {0};
        char texts[COLUMNS_MAX][SIZE];
        const char *cells[COLUMNS_MAX];
        const json_t *row;
        size_t n;

        for (; columns[table.columns].title; table.columns++) {
                cells[table.columns] = columns[table.columns].title;
                table.right[table.columns] = columns[table.columns].right;
        }
        table_row(&table, cells);
        json_array_foreach(rows, n, row)
        {
                for (unsigned i = 0; i < table.columns; i++) {
                        texts[i][0] = '\0';
                        if (columns[i].text)
                                columns[i].text(row, texts[i], SIZE);
                        else
                                value_text(json_object_get(row, columns[i].key), texts[i], SIZE);
                        cells[i] = texts[i];
                }
                table_row(&table, cells);
        }
        table_print(&table, "", stdout);
        table_free(&table);
}

/* ---- the command ---- */

int command_list(int argc, char **argv, const struct list *list)
{
        enum client_bus bus = CLIENT_EITHER;
        char why[1024];
        json_t *rows;
        bool json;

        int status = list->bus ? command_bus_options(argc, argv, list->help, &bus, &json)
                               : parse_options(argc, argv, list->help, &json);
        if (status >= 0)
                return status;
        if (optind < argc)
                return command_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
        if (list->find(bus, &rows, why, sizeof why) < 0) {
                command_error("%s", why);
                return 1;
        }
        if (json_array_size(rows) == 0)
                command_error("%s", list->none);
        else if (!json)
                print_table(list->columns, rows);
        if (json)
                command_print_json(rows);
        else
                json_decref(rows);
        return 0;
}
