#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/common/table.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

static const char help[] =
        "Usage: visagectl status [OPTION]...\n"
        "\n"
        "Shows what visaged is doing, and what it has done since it started.\n"
        "\n"
        "      --watch    repeat every second, until ctrl-C; continues when the daemon is restarted\n"
        "      --json     print a JSON object, with --watch one per line; its members are the properties of the bus\n"
        "                 interface, spelled state_reason, virtual_camera and so on\n";

/* ---- one screen ---- */

static double number(const json_t *properties, const char *name)
{
        return json_number_value(json_object_get(properties, name));
}

static void row(struct table *table, const char *name, const char *value)
{
        table_row(table, (const char *[]){name, value});
}

/* "overlay, opacity 0.5" */
static void effect_row(struct table *table, const json_t *properties)
{
        const char *name;
        char text[400];
        json_t *value;
        size_t n = (size_t)snprintf(text, sizeof text, "%.100s", client_text(properties, "effect"));

        json_object_foreach(json_object_get(properties, "effect_options"), name,
                            value) if (json_is_number(value) && n < sizeof text) n +=
                (size_t)snprintf(text + n, sizeof text - n, ", %.60s %g", name, json_number_value(value));
        row(table, "Effect", text);
}

static void rate_row(struct table *table, const json_t *properties)
{
        char text[120] = "-";

        if (number(properties, "frame_rate") > 0)
                snprintf(text, sizeof text,
                         "%.1f frames per second shown, %.1f parsed; %.0f ms from capture to display",
                         number(properties, "frame_rate"), number(properties, "parse_rate"),
                         number(properties, "latency_ms"));
        row(table, "Speed", text);
}

/* "0.1 s ago" */
static void ago(const json_t *face, const char *name, double now, char *ret, size_t size)
{
        const double time = number(face, name);

        if (time > 0)
                snprintf(ret, size, "%.1f s ago", (now - time) / 1e9);
        else
                snprintf(ret, size, "never");
}

/* "id 3: for 2.0 s, 50 x 62 % of the picture, seen 0.1 s ago, looked at alone 0.2 s ago" */
static void face_row(struct table *table, const json_t *face, double now)
{
        const json_t *box = json_object_get(face, "box");
        char text[200], seen[40], viewed[40];

        ago(face, "seen_ns", now, seen, sizeof seen);
        ago(face, "viewed_ns", now, viewed, sizeof viewed);
        snprintf(text, sizeof text, "id %.0f: for %.1f s, %.0f x %.0f %% of the picture, seen %s, looked at alone %s",
                 number(face, "id"), (number(face, "seen_ns") - number(face, "since_ns")) / 1e9,
                 100 * json_number_value(json_array_get(box, 2)), 100 * json_number_value(json_array_get(box, 3)), seen,
                 viewed);
        row(table, "", text);
}

static void face_rows(struct table *table, const json_t *properties)
{
        const json_t *faces = json_object_get(properties, "faces"), *face;
        struct timespec now;
        char count[16] = "not permitted";
        size_t i;

        if (json_is_array(faces))
                snprintf(count, sizeof count, "%.0f", number(properties, "face_count"));
        row(table, "Faces", count);
        clock_gettime(CLOCK_MONOTONIC, &now); /* that of the daemon, which is on the same machine */
        json_array_foreach(faces, i, face) face_row(table, face, (double)now.tv_sec * 1e9 + (double)now.tv_nsec);
}

static void virtual_camera_rows(struct table *table, const json_t *properties)
{
        const json_t *names = json_object_get(properties, "virtual_cameras"), *name;
        size_t i;

        json_array_foreach(names, i, name) row(table, i > 0 ? "" : "Virtual camera", json_string_value(name));
}

static const char * or (const char *text, const char *otherwise)
{
        return text[0] ? text : otherwise;
}

static void print_properties(const json_t *properties)
{
        struct table table = {.columns = 2};
        char readers[32];

        snprintf(readers, sizeof readers, "%.0f", number(properties, "readers"));
        row(&table, "Camera", or (client_text(properties, "camera"), "the first one found"));
        virtual_camera_rows(&table, properties);
        row(&table, "Readers", readers);
        face_rows(&table, properties);
        effect_row(&table, properties);
        row(&table, "Mode", client_text(properties, "mode"));
        rate_row(&table, properties);
        row(&table, "GPU", or (client_text(properties, "gpu"), "-"));
        row(&table, "Model", or (client_text(properties, "model"), "-"));
        table_print(&table, "  ", stdout);
        table_free(&table);
}

/* All counters, even those of a newer daemon, three per line. */
static void print_counters(const json_t *counters)
{
        struct table table = {.columns = 6, .right = {false, true, false, true, false, true}};
        const char *row[6];
        char values[3][24];
        const char *name;
        unsigned n = 0;
        json_t *value;

        json_object_foreach((json_t *)counters, name, value)
        {
                snprintf(values[n], sizeof values[n], "%lld", (long long)json_integer_value(value));
                row[2 * n] = name;
                row[2 * n + 1] = values[n];
                if (++n < 3)
                        continue;
                table_row(&table, row);
                n = 0;
        }
        for (unsigned i = 2 * n; i < 6; i++)
                row[i] = "";
        if (n > 0)
                table_row(&table, row);
        table_print(&table, "  ", stdout);
        table_free(&table);
}

static void print_screen(const json_t *properties)
{
        struct table head = {.columns = 1};
        char line[600];
        const char *reason = client_text(properties, "state_reason");

        snprintf(line, sizeof line, "visaged %.40s: %.40s%s%s", client_text(properties, "version"),
                 client_text(properties, "state"), reason[0] ? ", " : "", reason);
        table_row(&head, (const char *[]){line}); /* makes it printable */
        table_print(&head, "", stdout);
        table_free(&head);
        putchar('\n');
        print_properties(properties);
        printf("\n  Frames since it started\n");
        print_counters(json_object_get(properties, "counters"));
}

/* ---- repeatedly ---- */

/* `why`: the error if there are no properties. */
static void print_once(const json_t *properties, const char *why, bool json)
{
        if (!json) {
                if (properties)
                        print_screen(properties);
                else
                        printf("%s\n", why);
                return;
        }
        json_t *error = properties ? NULL : json_pack("{s:s}", "error", why);
        json_dumpf(properties ? properties : error, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        putchar('\n');
        json_decref(error);
}

static int watch(struct client *client, bool json)
{
        bool screen = isatty(STDOUT_FILENO) && !json;
        json_t *properties = NULL;
        char why[1024];
        int r;

        for (unsigned n = 0;; n++) {
                r = client_properties(client, &properties, why, sizeof why);
                if (r < 0 && (n == 0 || !sd_bus_is_open(client->bus)))
                        break;
                if (screen)
                        printf("\033[H\033[J"); /* clear the screen */
                else if (n > 0 && !json)
                        putchar('\n');
                print_once(r < 0 ? NULL : properties, why, json);
                if (fflush(stdout) != 0)
                        return 1;
                if (r == 0)
                        json_decref(properties);
                sleep(1);
        }
        command_error("%s", why);
        return 1;
}

static int once(struct client *client, bool json)
{
        json_t *properties;
        char why[1024];

        if (client_properties(client, &properties, why, sizeof why) < 0) {
                command_error("%s", why);
                return 1;
        }
        if (json) {
                command_print_json(properties);
        } else {
                print_screen(properties);
                json_decref(properties);
        }
        return 0;
}

int command_status(int argc, char **argv)
{
        enum { WATCH = COMMAND_BUS_OWN_OPTION, JSON };
        static const struct option table[] = {
                COMMAND_BUS_OPTIONS, {"watch", no_argument, NULL, WATCH}, {"json", no_argument, NULL, JSON}, {0}};
        enum client_bus bus = CLIENT_EITHER;
        bool again = false, json = false;
        struct client client;
        int option, status;

        while ((option = command_getopt(argc, argv, "h", table)) != -1)
                if (option == WATCH)
                        again = true;
                else if (option == JSON)
                        json = true;
                else if ((status = command_bus_option(option, argv[0], help, &bus)) >= 0)
                        return status;
        if (optind < argc)
                return command_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
        if (command_bus_open(bus, false, &client) < 0)
                return 1;
        status = again ? watch(&client, json) : once(&client, json);
        client_close(&client);
        return status;
}
