/* Permissions, the daemon's configuration, and whether it is running. */
#include <stdio.h>
#include <string.h>

#include "daemon/client/client.h"
#include "daemon/common/interface.h"
#include "daemon/doctor/world.h"

/* ---- groups ---- */

static bool process_has(const struct doctor_world *world, gid_t gid)
{
        for (int i = 0; i < world->groups_n; i++)
                if (world->groups[i] == gid)
                        return true;
        return false;
}

static bool is_account(const struct doctor_world *world, const char *user)
{
        char path[PATH_MAX], line[512];
        size_t n = strlen(user);
        FILE *file = fopen(doctor_path(world, path, "/etc/passwd"), "re");
        bool is = false;

        while (file && !is && fgets(line, sizeof line, file))
                is = strncmp(line, user, n) == 0 && line[n] == ':';
        if (file)
                fclose(file);
        return is;
}

/* The system service does not need the groups of a user. */
static enum doctor_severity weight(const struct doctor_world *world)
{
        return is_account(world, "visaged") ? DOCTOR_WARNING : DOCTOR_PROBLEM;
}

static const struct {
        const char *group, *file; /* the first file that it gives access to; NULL: virtual camera and camera */
} needed[] = {{"video", NULL}, {"render", "/dev/dri/renderD128"}};
#define NEEDED (sizeof needed / sizeof needed[0])

/* The user at the seat may use the devices without being in the groups.  Devices that do not exist need no group. */
static bool may_use(const struct doctor_world *world, const char *path)
{
        return !path[0] || !doctor_exists(world, "%s", path) || doctor_may(world, path);
}

static bool may(const struct doctor_world *world, size_t i)
{
        if (needed[i].file)
                return may_use(world, needed[i].file);
        return may_use(world, world->node) && may_use(world, world->camera);
}

void doctor_groups(const struct doctor_world *world, struct doctor_finding *ret)
{
        char missing[64] = "";
        bool later = true;

        if (world->uid == 0) {
                doctor_say(ret, DOCTOR_OK, "root does not need any");
                return;
        }
        for (size_t i = 0; i < NEEDED; i++) {
                bool member;
                gid_t gid;
                size_t n = strlen(missing);
                if (!doctor_group(world, needed[i].group, world->user, &gid, &member) || process_has(world, gid) ||
                    may(world, i))
                        continue;
                later &= member;
                snprintf(missing + n, sizeof missing - n, "%s%s", n > 0 ? "," : "", needed[i].group);
        }
        if (!missing[0]) {
                doctor_say(ret, DOCTOR_OK, "%s may use cameras and GPU", world->user);
        } else if (later) {
                doctor_say(ret, weight(world), "%s was added to %s, but not in this session", world->user, missing);
                doctor_fix(ret, "log out and in again");
        } else {
                doctor_say(ret, weight(world), "%s is not in %s", world->user, missing);
                doctor_fix(ret, "usermod -aG %s %s, then log out and in again%s", missing, world->user,
                           weight(world) == DOCTOR_WARNING ? " (only needed to run your own visaged)" : "");
        }
}

void doctor_account(const struct doctor_world *world, struct doctor_finding *ret)
{
        char missing[64] = "";

        if (!is_account(world, "visaged")) {
                doctor_say(ret, DOCTOR_SKIPPED, "there is none: the system service is not installed");
                return;
        }
        for (size_t i = 0; i < NEEDED; i++) {
                bool member;
                gid_t gid;
                size_t n = strlen(missing);
                if (doctor_group(world, needed[i].group, "visaged", &gid, &member) && !member)
                        snprintf(missing + n, sizeof missing - n, "%s%s", n > 0 ? "," : "", needed[i].group);
        }
        if (!missing[0]) {
                doctor_say(ret, DOCTOR_OK, "in the groups video and render");
                return;
        }
        doctor_say(ret, DOCTOR_PROBLEM, "not in %s", missing);
        doctor_fix(ret, "usermod -aG %s visaged; systemctl restart visaged", missing);
}

/* ---- configuration, unit, daemon ---- */

void doctor_configuration(const struct doctor_world *world, struct doctor_finding *ret)
{
        if (!world->mistake[0]) {
                doctor_say(ret, DOCTOR_OK, "no mistakes");
                return;
        }
        doctor_say(ret, DOCTOR_PROBLEM, "%.550s", world->mistake);
        doctor_fix(ret, "correct it; \"visaged%s%s --check\" lists every mistake",
                   world->config_file[0] ? " --config=" : "", world->config_file);
}

void doctor_service(const struct doctor_world *world, struct doctor_finding *ret)
{
        const struct doctor_unit *unit = &world->unit;
        const char *user = world->user_bus ? "--user " : "";

        if (!unit->load[0]) {
                doctor_say(ret, DOCTOR_SKIPPED, "systemd cannot be queried");
        } else if (strcmp(unit->load, "not-found") == 0) {
                doctor_say(ret, DOCTOR_WARNING, "there is no unit visaged.service");
                doctor_fix(ret, "install visaged's package, or run visaged by hand");
        } else if (strcmp(unit->load, "masked") == 0) {
                doctor_say(ret, DOCTOR_PROBLEM, "masked");
                doctor_fix(ret, "systemctl %sunmask visaged", user);
        } else if (strcmp(unit->load, "loaded") != 0) {
                doctor_say(ret, DOCTOR_PROBLEM, "its unit has not been loaded: %s", unit->load);
                doctor_fix(ret, "systemctl %sstatus visaged says why", user);
        } else if (strcmp(unit->active, "failed") == 0 || strcmp(unit->sub, "auto-restart") == 0) {
                doctor_say(ret, DOCTOR_PROBLEM, "%s, %s: %s", unit->active, unit->sub, unit->result);
                doctor_fix(ret, "journalctl %s-b -u visaged says why; then systemctl %srestart visaged", user, user);
        } else {
                doctor_say(ret, DOCTOR_OK, "%s, %s, %s", unit->active, unit->sub, unit->file);
        }
}

static const struct {
        enum state state;
        const char *fix;
} idle_states[] = {
        {STATE_WAITING, "the reason above says what is missing"},
        {STATE_PAUSED, "visagectl resume"},
        {STATE_STOPPED, "visagectl start"},
};

void doctor_daemon(const struct doctor_world *world, struct doctor_finding *ret)
{
        const char *state = client_text(world->daemon, "state"), *reason = client_text(world->daemon, "state_reason");

        if (!world->daemon) {
                doctor_say(ret, DOCTOR_PROBLEM, "%s", world->daemon_missing);
                if (world->no_bus)
                        doctor_fix_install(world, ret, "dbus", "D-Bus, and restart the machine");
                else
                        doctor_fix(ret, "systemctl %senable --now visaged", world->user_bus ? "--user " : "");
                return;
        }
        doctor_say(ret, DOCTOR_OK, "%.40s: %.40s%s%.400s", client_text(world->daemon, "version"), state,
                   reason[0] ? ", " : "", reason);
        for (size_t i = 0; i < sizeof idle_states / sizeof idle_states[0]; i++)
                if (strcmp(state_names[idle_states[i].state], state) == 0) {
                        ret->severity = DOCTOR_WARNING;
                        doctor_fix(ret, "%s", idle_states[i].fix);
                }
}
