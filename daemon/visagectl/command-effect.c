#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/common/table.h"
#include "daemon/pipeline/effects/settings.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

static const char help[] =
        "Usage: visagectl effect [OPTION]... [NAME[+NAME]... [OPTION=VALUE]...]\n\n"
        "Chooses what the virtual camera shows, from the next frame on, until the daemon ends or reloads its "
        "configuration.\n"
        "Several effects are joined by +.  Options that are not given are at their defaults.  Without NAME, lists the\n"
        "effects, and marks those in use with a star.\n\n"
        "      --json     the list as a JSON array\n";

/* ---- the list ---- */

/* The effects in use; 0 if the daemon cannot be queried, which is no error, because the list does not depend on it. */
static uint32_t find_current(enum client_bus bus)
{
        uint32_t chain = 0;
        struct client client;
        json_t *properties;
        char why[1024];

        if (client_open(bus, false, &client, why, sizeof why) < 0)
                return 0;
        if (client_properties(&client, &properties, why, sizeof why) == 0) {
                effect_chain_parse(client_text(properties, "effect"), &chain); /* another version may have others */
                json_decref(properties);
        }
        client_close(&client);
        return chain;
}

/* "opacity=0..1 [0.5]" for each; "-" for none. */
static void tell_options(const struct effect *effect, char ret[EFFECT_TEXT_MAX])
{
        size_t n = 0;

        snprintf(ret, EFFECT_TEXT_MAX, "-");
        for (const struct effect_option *option = effect->options; option->name && n < EFFECT_TEXT_MAX; option++)
                n += snprintf(ret + n, EFFECT_TEXT_MAX - n, "%s%s=%g..%g [%g]", n ? " " : "", option->name, option->low,
                              option->high, option->default_value);
}

static void print_table(uint32_t current)
{
        struct table table = {.columns = 4};
        char options[EFFECT_TEXT_MAX];

        table_row(&table, (const char *[]){"", "EFFECT", "OPTIONS", "SHOWS"});
        for (unsigned i = 0; i < EFFECTS; i++) {
                tell_options(effects[i], options);
                table_row(&table, (const char *[]){current & UINT32_C(1) << i ? "*" : "", effects[i]->name, options,
                                                   effects[i]->help});
        }
        table_print(&table, "", stdout);
        table_free(&table);
}

static json_t *options_json(const struct effect *effect)
{
        json_t *array = json_array();

        for (const struct effect_option *option = effect->options; option->name; option++)
                json_array_append_new(array, json_pack("{s:s, s:s, s:f, s:f, s:f, s:s, s:s}", "name", option->name,
                                                       "type", effect_types[option->type].name, "low", option->low,
                                                       "high", option->high, "default", option->default_value, "unit",
                                                       option->unit, "sets", option->help));
        return array;
}

static void print_json(uint32_t current)
{
        json_t *array = json_array();

        for (unsigned i = 0; i < EFFECTS; i++)
                json_array_append_new(array, json_pack("{s:s, s:o, s:s, s:b}", "name", effects[i]->name, "options",
                                                       options_json(effects[i]), "shows", effects[i]->help, "current",
                                                       (int)(current >> i & 1)));
        command_print_json(array);
}

static int list(enum client_bus bus, bool json)
{
        const uint32_t current = find_current(bus);

        if (json)
                print_json(current);
        else
                print_table(current);
        return 0;
}

/* ---- the choice ---- */

/* Appends a number, a boolean or otherwise a string.  The daemon checks the type. */
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

/* -EINVAL: text that D-Bus does not accept, such as invalid UTF-8. */
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
                snprintf(why, sizeof why, "this cannot be sent: %s", strerror(-r));
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
