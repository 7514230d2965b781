#include <stdio.h>
#include <stdlib.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/table.h"
#include "daemon/common/text.h"
#include "daemon/visagectl/command.h"
#include "shaders/gpu.h"

static const char help[] = "Usage: visagectl gpus [--json]\n"
                           "\n"
                           "Lists the GPUs that the Vulkan loader finds.  For --gpu, visaged and the commands that "
                           "parse pictures take part of\n"
                           "a name, a number or a node.\n"
                           "\n"
                           "  --json  print a JSON array\n";

static void print_json(const struct gpu_info *list, int n)
{
        json_t *array = json_array();

        for (int i = 0; i < n; i++) {
                char version[32];
                snprintf(version, sizeof version, "%u.%u", list[i].api_major, list[i].api_minor);
                json_t *gpu = json_pack(
                        "{s:i, s:o, s:s, s:o, s:s, s:I, s:o, s:b}", "index", (int)list[i].index, "name",
                        text_json(list[i].name), "kind", gpu_kind_name(list[i].kind), "driver",
                        text_json(list[i].driver), "vulkan", version, "memory", (json_int_t)list[i].memory, "node",
                        list[i].node[0] ? text_json(list[i].node) : json_null(), "usable", !list[i].unusable[0]);
                if (list[i].unusable[0])
                        json_object_set_new(gpu, "reason", text_json(list[i].unusable));
                json_array_append_new(array, gpu);
        }
        json_dumpf(array, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(array);
}

static void print_table(const struct gpu_info *list, int n)
{
        struct table table = {.columns = 8, .right = {true, false, false, false, false, true}};

        table_row(&table, (const char *[]){"#", "NAME", "KIND", "DRIVER", "VULKAN", "MEMORY", "NODE", "USABLE"});
        for (int i = 0; i < n; i++) {
                char index[16], version[32], memory[32], usable[160];
                snprintf(index, sizeof index, "%u", list[i].index);
                snprintf(version, sizeof version, "%u.%u", list[i].api_major, list[i].api_minor);
                snprintf(memory, sizeof memory, "%.1f GB", list[i].memory / 1e9);
                snprintf(usable, sizeof usable, "%s%s", list[i].unusable[0] ? "no: " : "yes", list[i].unusable);
                table_row(&table, (const char *[]){index, list[i].name, gpu_kind_name(list[i].kind), list[i].driver,
                                                   version, memory, list[i].node[0] ? list[i].node : "-", usable});
        }
        table_print(&table, "", stdout);
        table_free(&table);
}

int command_gpus(int argc, char **argv)
{
        _cleanup_(freep) struct gpu_info *list = NULL;
        char why[256];
        int json;

        int status = command_list_options(argc, argv, help, &json);
        if (status >= 0)
                return status;
        int n = gpu_list(&list, why, sizeof why);
        if (n < 0) {
                command_error("%s", why);
                return 1;
        }
        if (json)
                print_json(list, n);
        else if (n > 0)
                print_table(list, n);
        if (n == 0)
                command_error("no Vulkan driver finds a GPU; Debian's software driver is in mesa-vulkan-drivers");
        return 0;
}
