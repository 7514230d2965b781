#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/table.h"
#include "daemon/common/text.h"
#include "daemon/visagectl/command.h"
#include "v4l2/camera.h"

static const char help[] = "Usage: visagectl cameras [--json]\n"
                           "\n"
                           "Lists the capture nodes of this machine.  visaged takes a node or an id as its camera.  "
                           "The id stays the same\n"
                           "wherever the camera is plugged in.\n"
                           "\n"
                           "  --json  print a JSON array\n";

/* A JSON array of a list of words. */
static json_t *words(const char *text)
{
        json_t *array = json_array();
        char copy[256], *at = copy, *word;

        text_utf8(text, copy, sizeof copy);
        while ((word = strsep(&at, " ")))
                if (*word)
                        json_array_append_new(array, json_string(word));
        return array;
}

static void print_json(const struct camera_info *list, int n)
{
        json_t *array = json_array();

        for (int i = 0; i < n; i++) {
                const struct camera_info *camera = &list[i];
                json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:b}", "node",
                                                       text_json(camera->node), "id",
                                                       camera->id[0] ? text_json(camera->id) : json_null(), "name",
                                                       text_json(camera->card), "driver", text_json(camera->driver),
                                                       "bus", text_json(camera->bus), "formats", words(camera->formats),
                                                       "width", (int)camera->width, "height", (int)camera->height,
                                                       "accessible", camera->card[0] != '\0'));
        }
        json_dumpf(array, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(array);
}

static void print_table(const struct camera_info *list, int n)
{
        struct table table = {.columns = 6};

        table_row(&table, (const char *[]){"NODE", "NAME", "DRIVER", "LARGEST", "FORMATS", "ID"});
        for (int i = 0; i < n; i++) {
                char size[32] = "-";
                if (list[i].width > 0)
                        snprintf(size, sizeof size, "%ux%u", list[i].width, list[i].height);
                table_row(&table,
                          (const char *[]){list[i].node, list[i].card[0] ? list[i].card : "(cannot be opened)",
                                           list[i].driver, size, list[i].formats, list[i].id[0] ? list[i].id : "-"});
        }
        table_print(&table, "", stdout);
        table_free(&table);
}

int command_cameras(int argc, char **argv)
{
        _cleanup_(freep) struct camera_info *list = NULL;
        int json;

        int status = command_list_options(argc, argv, help, &json);
        if (status >= 0)
                return status;
        int n = camera_list(&list);
        if (n < 0) {
                command_error("%s", strerror(-n));
                return 1;
        }
        if (json)
                print_json(list, n);
        else if (n > 0)
                print_table(list, n);
        if (n == 0)
                command_error("no cameras: there is no capture node in /dev");
        return 0;
}
