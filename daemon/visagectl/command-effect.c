#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/config.h"
#include "daemon/common/table.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

static const char help[] = "Usage: visagectl effect [OPTION]... [NAME [OPTION=VALUE]...]\n\n"
                           "Chooses what the virtual camera shows, from the next frame on, until the daemon ends or "
                           "reloads its configuration.\n"
                           "Options that are not given are at their presets.  Without NAME: lists the effects, the one "
                           "in use with a star.\n\n"
                           "      --json     the list as a JSON array\n";

static const struct {
        const char *options, *shows;
} described[EFFECTS] = {
        [EFFECT_OVERLAY] = {"opacity=0..1 [0.5]", "the picture, each class tinted with its colour"},
        [EFFECT_LABELS] = {"", "the classes' colours alone"},
        [EFFECT_BLUR] = {"strength=0.25..4 [1]", "the picture, its background blurred"},
        [EFFECT_NONE] = {"", "the picture"},
};

/* ---- the list ---- */

/* The effect in use, "" where the daemon cannot be asked; that is no error, since the list is the same. */
static void find_current(enum client_bus bus, char *ret, size_t size)
{
        struct client client;
        json_t *properties;
        char why[1024];

        *ret = '\0';
        if (client_open(bus, false, &client, why, sizeof why) < 0)
                return;
        if (client_properties(&client, &properties, why, sizeof why) == 0) {
                snprintf(ret, size, "%s", client_text(properties, "effect"));
                json_decref(properties);
        }
        client_close(&client);
}

static int list(enum client_bus bus, bool json)
{
        struct table table = {.columns = 4};
        json_t *array = json_array();
        char current[64];

        find_current(bus, current, sizeof current);
        table_row(&table, (const char *[]){"", "EFFECT", "OPTIONS", "SHOWS"});
        for (int i = 0; i < EFFECTS; i++) {
                bool is = strcmp(current, effect_names[i]) == 0;
                table_row(&table,
                          (const char *[]){is ? "*" : "", effect_names[i],
                                           described[i].options[0] ? described[i].options : "-", described[i].shows});
                json_array_append_new(array,
                                      json_pack("{s:s, s:s, s:s, s:b}", "name", effect_names[i], "options",
                                                described[i].options, "shows", described[i].shows, "current", is));
        }
        if (json) {
                command_print_json(array);
        } else {
                table_print(&table, "", stdout);
                json_decref(array);
        }
        table_free(&table);
        return 0;
}

/* ---- the choice ---- */

/* A number as one, true and false as what they are, anything else as a string: the daemon knows what it wants. */
static int append_option(sd_bus_message *message, const char *name, const char *value)
{
        char *end;
        double number = strtod(value, &end);

        if (*value && !*end)
                return sd_bus_message_append(message, "{sv}", name, "d", number);
        if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
                return sd_bus_message_append(message, "{sv}", name, "b", (int)(value[0] == 't'));
        return sd_bus_message_append(message, "{sv}", name, "s", value);
}

/* -EINVAL: text that the bus does not carry. */
static int append_choice(sd_bus_message *message, char **words, int count)
{
        int r = sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, words[0]);

        if (r >= 0)
                r = sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "{sv}");
        for (int i = 1; i < count && r >= 0; i++) {
                char *equals = strchr(words[i], '=');
                *equals = '\0';
                r = append_option(message, words[i], equals + 1);
        }
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int choose(enum client_bus bus, char **words, int count)
{
        struct client client;
        char why[1024];

        if (command_bus_open(bus, false, &client) < 0)
                return 1;
        sd_bus_message *message = client_message(&client, "SetEffect");
        int r = message ? append_choice(message, words, count) : 0;
        if (r < 0) {
                sd_bus_message_unref(message);
                snprintf(why, sizeof why, "that cannot be sent: %s", strerror(-r));
        } else {
                r = client_send(&client, message, NULL, why, sizeof why);
        }
        client_close(&client);
        if (r < 0)
                command_error("%s", why);
        return r < 0 ? 1 : 0;
}

int command_effect(int argc, char **argv)
{
        enum client_bus bus;
        bool json;

        int status = command_bus_options(argc, argv, help, &bus, &json);
        if (status >= 0)
                return status;
        if (optind == argc)
                return list(bus, json);
        if (json)
                return command_usage("effect", "--json is only for the list");
        for (int i = optind + 1; i < argc; i++) {
                size_t n = strcspn(argv[i], "=");
                if (n == 0 || !argv[i][n])
                        return command_usage("effect", "\"%s\" is not OPTION=VALUE", argv[i]);
                for (int k = optind + 1; k < i; k++)
                        if (strncmp(argv[k], argv[i], n + 1) == 0)
                                return command_usage("effect", "%.*s is given twice", (int)n, argv[i]);
        }
        return choose(bus, argv + optind, argc - optind);
}
