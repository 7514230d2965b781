#include <stdio.h>
#include <stdlib.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/text.h"
#include "daemon/visagectl/command-list.h"
#include "daemon/visagectl/command.h"
#include "shaders/gpu.h"

static const char help[] = "Usage: visagectl gpus [--json]\n"
                           "\n"
                           "Lists the GPUs that the Vulkan loader finds.  For --gpu, visaged and the commands that "
                           "parse pictures take part of\n"
                           "a name, a number or a node.\n"
                           "\n"
                           "  --json  print a JSON array\n";

static int find(enum client_bus bus, json_t **ret, char *why, size_t why_size)
{
        _cleanup_(freep) struct gpu_info *list = NULL;

        int n = gpu_list(&list, why, why_size);
        if (n < 0)
                return n;
        *ret = json_array();
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
                json_array_append_new(*ret, gpu);
        }
        return 0;
}

static void memory_text(const json_t *row, char *ret, size_t size)
{
        snprintf(ret, size, "%.1f GB", json_number_value(json_object_get(row, "memory")) / 1e9);
}

static void usable_text(const json_t *row, char *ret, size_t size)
{
        bool usable = json_is_true(json_object_get(row, "usable"));

        snprintf(ret, size, "%s%s", usable ? "yes" : "no: ", client_text(row, "reason"));
}

int command_gpus(int argc, char **argv)
{
        static const struct list_column columns[] = {{"#", "index", true},
                                                     {"NAME", "name"},
                                                     {"KIND", "kind"},
                                                     {"DRIVER", "driver"},
                                                     {"VULKAN", "vulkan"},
                                                     {"MEMORY", .right = true, .text = memory_text},
                                                     {"NODE", "node"},
                                                     {"USABLE", .text = usable_text},
                                                     {0}};
        static const struct list list = {
                .help = help,
                .find = find,
                .columns = columns,
                .none = "no Vulkan driver finds a GPU; Debian's software driver is in mesa-vulkan-drivers"};

        return command_list(argc, argv, &list);
}
