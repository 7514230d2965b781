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

/* What the daemon uses counts more than what the configuration says. */
static void ask_daemon(struct doctor_world *world, struct config *config, struct client *client, char *why,
                       size_t why_size)
{
        json_t *properties;

        if (client_properties(client, &properties, why, why_size) < 0)
                return;
        world->daemon = properties;
        snprintf(config->camera, sizeof config->camera, "%s", client_text(properties, "camera"));
        if (client_text(properties, "virtual_camera")[0])
                snprintf(config->virtual_camera[0], sizeof config->virtual_camera[0], "%s",
                         client_text(properties, "virtual_camera"));
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

static void print_json(const struct doctor_finding *findings)
{
        json_t *array = json_array();

        for (size_t i = 0; doctor_checks[i].name; i++)
                json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:o}", "check", doctor_checks[i].name,
                                                       "severity", doctor_severity_names[findings[i].severity], "seen",
                                                       text_json(findings[i].seen), "fix",
                                                       findings[i].fix[0] ? text_json(findings[i].fix) : json_null()));
        command_print_json(array);
}

static void print_table(const struct doctor_finding *findings, unsigned problems, unsigned warnings)
{
        struct table table = {.columns = 3};
        char fix[700];

        for (size_t i = 0; doctor_checks[i].name; i++) {
                table_row(&table, (const char *[]){doctor_severity_names[findings[i].severity], doctor_checks[i].name,
                                                   findings[i].seen});
                snprintf(fix, sizeof fix, "-> %s", findings[i].fix);
                if (findings[i].fix[0])
                        table_row(&table, (const char *[]){"", "", fix});
        }
        table_print(&table, "", stdout);
        table_free(&table);
        printf("\n%u problem%s, %u warning%s%s\n", problems, problems == 1 ? "" : "s", warnings,
               warnings == 1 ? "" : "s",
               problems + warnings > 0 && geteuid() != 0 ? "; most fixes want root (sudo)" : "");
}

static int examine(const struct doctor_world *world, bool json)
{
        struct doctor_finding *findings;
        unsigned counts[DOCTOR_PROBLEM + 1] = {0};
        size_t n = 0;

        while (doctor_checks[n].name)
                n++;
        findings = calloc(n, sizeof *findings);
        if (!findings)
                return 1;
        for (size_t i = 0; i < n; i++) {
                command_progress("%s ...", doctor_checks[i].name);
                doctor_run(&doctor_checks[i], world, &findings[i]);
                counts[findings[i].severity]++;
        }
        command_progress_clear();
        if (json)
                print_json(findings);
        else
                print_table(findings, counts[DOCTOR_PROBLEM], counts[DOCTOR_WARNING]);
        free(findings);
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
