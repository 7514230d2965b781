#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/common/models.h"
#include "daemon/common/text.h"
#include "daemon/visagectl/command-list.h"
#include "daemon/visagectl/command.h"

static const char help[] = "Usage: visagectl models [OPTION]...\n"
                           "\n"
                           "Lists the models that visaged can use (\"visagectl set model NAME\").  If it is not "
                           "running, lists the installed\n"
                           "models.\n"
                           "\n"
                           "      --json     print a JSON array\n";

/* ---- without the daemon ---- */

/* In the form of ListModels(). */
static int list_installed(json_t **ret, char *why, size_t why_size)
{
        struct model_entry *list = NULL;

        int n = models_list("", &list);
        if (n <= 0) {
                snprintf(why, why_size, n < 0 ? "out of memory" : "no model is installed");
                free(list);
                return n < 0 ? n : -ENOENT;
        }
        *ret = json_array();
        for (int i = 0; i < n; i++)
                json_array_append_new(*ret, json_pack("{s:o, s:o, s:I, s:b}", "name", text_json(list[i].name), "path",
                                                      text_json(list[i].path), "size", (json_int_t)list[i].size,
                                                      "default", list[i].is_default));
        free(list);
        return 0;
}

/* ---- with or without the daemon ---- */

static int find(enum client_bus bus, json_t **ret, char *why, size_t why_size)
{
        struct client client = {0};

        int r = client_open(bus, false, &client, why, why_size);
        if (r >= 0)
                r = client_list(&client, "ListModels", ret, why, why_size);
        bool bus_there = client.bus;
        client_close(&client);
        if (r == 0)
                return 0;
        /* Without a bus, or without visaged's name on it, the daemon is not running.  It reports any other error
         * itself. */
        return bus_there && r != -EHOSTUNREACH && r != -ENXIO ? r : list_installed(ret, why, why_size);
}

static void default_text(const json_t *row, char *ret, size_t size)
{
        snprintf(ret, size, "%s", json_is_true(json_object_get(row, "default")) ? "*" : "");
}

static void size_text(const json_t *row, char *ret, size_t size)
{
        snprintf(ret, size, "%.1f MB", json_number_value(json_object_get(row, "size")) / 1e6);
}

int command_models(int argc, char **argv)
{
        static const struct list_column columns[] = {{"", .text = default_text},
                                                     {"NAME", "name"},
                                                     {"SIZE", .right = true, .text = size_text},
                                                     {"FILE", "path"},
                                                     {0}};
        static const struct list list = {
                .help = help, .bus = true, .find = find, .columns = columns, .none = "no model is installed"};

        return command_list(argc, argv, &list);
}
