#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/common/options.h"
#include "daemon/common/paths.h"
#include "daemon/common/table.h"
#include "daemon/common/text.h"
#include "daemon/doctor/world.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

static const char help[] = "Usage: visagectl doctor [OPTION]...\n\n"
                           "Checks everything that visaged needs, and says how to fix what is wrong.  Nothing is "
                           "changed.  Root sees more,\n"
                           "such as which program has a camera open.  The exit status is 1 if there is a problem.\n\n"
                           "      --json     a JSON array; \"severity\" is ok, skipped, warning or problem\n";

/* ---- the world ---- */

static void note_mistake(void *userdata, const char *message)
{
        struct doctor_world *world = userdata;

        if (!world->mistake[0])
                snprintf(world->mistake, sizeof world->mistake, "%s", message);
}

static void read_config(struct doctor_world *world, struct config *config)
{
        char path[PATH_MAX];
        const char *file = paths_config(world->user_bus, path, sizeof path);
        const struct options usual = {.config_file = access(file, F_OK) == 0 ? file : NULL};

        snprintf(world->config_file, sizeof world->config_file, "%s", usual.config_file ? file : "");
        if (options_config(&usual, config, note_mistake, world) < 0)
                config_init(config);
        world->config = config;
}

static void use_outputs(struct config *config, const json_t *names)
{
        const json_t *name;
        size_t i;

        memset(config->virtual_camera, 0, sizeof config->virtual_camera);
        json_array_foreach(names, i, name) if (i < CONFIG_OUTPUTS_MAX)
                snprintf(config->virtual_camera[i], sizeof config->virtual_camera[i], "%s", json_string_value(name));
}

/* What the daemon uses takes precedence over the configuration. */
static void ask_daemon(struct doctor_world *world, struct config *config, struct client *client, char *why,
                       size_t why_size)
{
        json_t *properties;

        if (client_properties(client, &properties, why, why_size) < 0)
                return;
        world->daemon = properties;
        snprintf(config->camera, sizeof config->camera, "%s", client_text(properties, "camera"));
        use_outputs(config, json_object_get(properties, "virtual_cameras"));
}

static void ask_systemd(struct doctor_world *world, sd_bus *bus)
{
        struct doctor_unit *unit = &world->unit;
        char home[32] = "";
        const struct {
                const char *interface, *name;
                char *ret;
                size_t size;
        } wanted[] = {
                {"org.freedesktop.systemd1.Unit", "LoadState", unit->load, sizeof unit->load},
                {"org.freedesktop.systemd1.Unit", "ActiveState", unit->active, sizeof unit->active},
                {"org.freedesktop.systemd1.Unit", "SubState", unit->sub, sizeof unit->sub},
                {"org.freedesktop.systemd1.Unit", "UnitFileState", unit->file, sizeof unit->file},
                {"org.freedesktop.systemd1.Service", "Result", unit->result, sizeof unit->result},
                {"org.freedesktop.systemd1.Service", "ProtectHome", home, sizeof home},
        };

        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
                char *text = NULL;
                if (sd_bus_get_property_string(bus, "org.freedesktop.systemd1",
                                               "/org/freedesktop/systemd1/unit/visaged_2eservice", wanted[i].interface,
                                               wanted[i].name, NULL, &text) < 0)
                        return;
                snprintf(wanted[i].ret, wanted[i].size, "%s", text);
                free(text);
        }
        int no_code = 0; /* the bus writes an int */
        sd_bus_get_property_trivial(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1/unit/visaged_2eservice",
                                    "org.freedesktop.systemd1.Service", "MemoryDenyWriteExecute", NULL, 'b', &no_code);
        unit->no_code = no_code;
        unit->no_home = strcmp(home, "yes") == 0 || strcmp(home, "tmpfs") == 0;
}

static void find_user(struct doctor_world *world)
{
        const struct passwd *user;
        int n;

        world->uid = geteuid();
        user = getpwuid(world->uid);
        world->user = user ? user->pw_name : "this user";
        world->groups[0] = getegid();
        n = getgroups(sizeof world->groups / sizeof world->groups[0] - 1, world->groups + 1);
        world->groups_n = 1 + (n > 0 ? n : 0);
}

/* ---- the report ---- */

struct result {
        const struct doctor_check *check;
        const char *node; /* NULL: it is not about one */
        struct doctor_finding finding;
};

static void print_json(const struct result *results, size_t n)
{
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++) {
                const struct doctor_finding *finding = &results[i].finding;
                json_array_append_new(array,
                                      json_pack("{s:s, s:s?, s:s, s:o, s:o}", "check", results[i].check->name, "node",
                                                results[i].node, "severity", doctor_severity_names[finding->severity],
                                                "seen", text_json(finding->seen), "fix",
                                                finding->fix[0] ? text_json(finding->fix) : json_null()));
        }
        command_print_json(array);
}

/* "producer", or "producer of video11" where there are several nodes. */
static void name_result(const struct result *result, bool several, char *ret, size_t size)
{
        const char *slash = result->node ? strrchr(result->node, '/') : NULL;

        if (several && slash)
                snprintf(ret, size, "%s of %s", result->check->name, slash + 1);
        else
                snprintf(ret, size, "%s", result->check->name);
}

static void print_table(const struct result *results, size_t n, bool several, unsigned problems, unsigned warnings)
{
        struct table table = {.columns = 3};
        char fix[700], name[100];

        for (size_t i = 0; i < n; i++) {
                const struct doctor_finding *finding = &results[i].finding;
                name_result(&results[i], several, name, sizeof name);
                table_row(&table, (const char *[]){doctor_severity_names[finding->severity], name, finding->seen});
                snprintf(fix, sizeof fix, "-> %s", finding->fix);
                if (finding->fix[0])
                        table_row(&table, (const char *[]){"", "", fix});
        }
        table_print(&table, "", stdout);
        table_free(&table);
        printf("\n%u problem%s, %u warning%s%s\n", problems, problems == 1 ? "" : "s", warnings,
               warnings == 1 ? "" : "s",
               problems + warnings > 0 && geteuid() != 0 ? "; most fixes need root (sudo)" : "");
}

/* Runs a check, once for each node if it is about nodes.  Returns the number of results. */
static size_t run_check(const struct doctor_check *check, struct doctor_world *world, struct result *ret)
{
        size_t n = 0;

        command_progress("%s ...", check->name);
        do {
                world->node = world->nodes[n];
                ret[n] = (struct result){.check = check, .node = check->each && *world->node ? world->node : NULL};
                doctor_run(check, world, &ret[n].finding);
                n++;
        } while (check->each && n < CONFIG_OUTPUTS_MAX && world->nodes[n][0]);
        world->node = world->nodes[0];
        return n;
}

static int examine(struct doctor_world *world, bool json)
{
        struct result *results;
        unsigned counts[DOCTOR_PROBLEM + 1] = {0};
        size_t checks = 0, n = 0;

        while (doctor_checks[checks].name)
                checks++;
        results = calloc(checks * CONFIG_OUTPUTS_MAX, sizeof *results);
        if (!results)
                return 1;
        for (size_t i = 0; i < checks; i++)
                n += run_check(&doctor_checks[i], world, &results[n]);
        for (size_t i = 0; i < n; i++)
                counts[results[i].finding.severity]++;
        command_progress_clear();
        if (json)
                print_json(results, n);
        else
                print_table(results, n, world->nodes[1][0], counts[DOCTOR_PROBLEM], counts[DOCTOR_WARNING]);
        free(results);
        return counts[DOCTOR_PROBLEM] > 0;
}

int command_doctor(int argc, char **argv)
{
        struct doctor_world world = {.root = ""};
        struct client client = {0};
        struct utsname kernel;
        struct config config;
        enum client_bus bus;
        char why[1024];
        bool json;

        int status = command_bus_options(argc, argv, help, &bus, &json);
        if (status >= 0)
                return status;
        if (optind < argc)
                return command_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
        uname(&kernel);
        world.kernel = kernel.release;
        find_user(&world);
        bool open = client_open(bus, false, &client, why, sizeof why) == 0;
        world.no_bus = !open;
        world.user_bus = client.user;
        read_config(&world, &config);
        if (open) {
                ask_daemon(&world, &config, &client, why, sizeof why);
                ask_systemd(&world, client.bus);
                client_close(&client);
        }
        world.daemon_missing = why;
        doctor_find_nodes(&world);
        status = examine(&world, json);
        json_decref((json_t *)world.daemon);
        return status;
}
