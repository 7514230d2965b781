#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/text.h"
#include "daemon/visagectl/command-list.h"
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

static int find(enum client_bus bus, json_t **ret, char *why, size_t why_size)
{
        _cleanup_(freep) struct camera_info *list = NULL;

        int n = camera_list(&list);
        if (n < 0) {
                snprintf(why, why_size, "%s", strerror(-n));
                return n;
        }
        *ret = json_array();
        for (int i = 0; i < n; i++) {
                const struct camera_info *camera = &list[i];
                json_array_append_new(*ret, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:b}", "node",
                                                      text_json(camera->node), "id",
                                                      camera->id[0] ? text_json(camera->id) : json_null(), "name",
                                                      text_json(camera->card), "driver", text_json(camera->driver),
                                                      "bus", text_json(camera->bus), "formats", words(camera->formats),
                                                      "width", (int)camera->width, "height", (int)camera->height,
                                                      "accessible", camera->card[0] != '\0'));
        }
        return 0;
}

static void name_text(const json_t *row, char *ret, size_t size)
{
        bool accessible = json_is_true(json_object_get(row, "accessible"));

        snprintf(ret, size, "%s", accessible ? client_text(row, "name") : "(cannot be opened)");
}

static void largest_text(const json_t *row, char *ret, size_t size)
{
        long long width = json_integer_value(json_object_get(row, "width"));

        snprintf(ret, size, "-");
        if (width > 0)
                snprintf(ret, size, "%lldx%lld", width, (long long)json_integer_value(json_object_get(row, "height")));
}

int command_cameras(int argc, char **argv)
{
        static const struct list_column columns[] = {{"NODE", "node"},
                                                     {"NAME", .text = name_text},
                                                     {"DRIVER", "driver"},
                                                     {"LARGEST", .text = largest_text},
                                                     {"FORMATS", "formats"},
                                                     {"ID", "id"},
                                                     {0}};
        static const struct list list = {
                .help = help, .find = find, .columns = columns, .none = "no cameras: there is no capture node in /dev"};

        return command_list(argc, argv, &list);
}
