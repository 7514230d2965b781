#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/doctor/world.h"

#define FORMAT(ret, size, format)                                                                                      \
        do {                                                                                                           \
                va_list ap;                                                                                            \
                va_start(ap, format);                                                                                  \
                vsnprintf(ret, size, format, ap);                                                                      \
                va_end(ap);                                                                                            \
        } while (0)

void doctor_say(struct doctor_finding *ret, enum doctor_severity severity, const char *format, ...)
{
        ret->severity = severity;
        FORMAT(ret->seen, sizeof ret->seen, format);
}

void doctor_fix(struct doctor_finding *ret, const char *format, ...)
{
        FORMAT(ret->fix, sizeof ret->fix, format);
}

/* ---- files ---- */

const char *doctor_path(const struct doctor_world *world, char *ret, const char *format, ...)
{
        int n = snprintf(ret, PATH_MAX, "%s", world->root);

        FORMAT(ret + n, (size_t)(PATH_MAX - n), format);
        return ret;
}

bool doctor_exists(const struct doctor_world *world, const char *format, ...)
{
        char path[PATH_MAX], full[PATH_MAX];

        FORMAT(path, sizeof path, format);
        return access(doctor_path(world, full, "%s", path), F_OK) == 0;
}

bool doctor_read(const struct doctor_world *world, char *ret, size_t size, const char *format, ...)
{
        char path[PATH_MAX], full[PATH_MAX];

        FORMAT(path, sizeof path, format);
        _cleanup_(fclosep) FILE *file = fopen(doctor_path(world, full, "%s", path), "re");
        *ret = '\0';
        if (!file)
                return false;
        if (!fgets(ret, (int)size, file))
                *ret = '\0'; /* an attribute of a driver may be empty */
        ret[strcspn(ret, "\n")] = '\0';
        return true;
}

bool doctor_may(const struct doctor_world *world, const char *path)
{
        char full[PATH_MAX];

        return faccessat(AT_FDCWD, doctor_path(world, full, "%s", path), R_OK | W_OK, AT_EACCESS) == 0;
}

/* ---- packages ---- */

static bool names_debian(char *line)
{
        char *word;

        if (strncmp(line, "ID=", 3) != 0 && strncmp(line, "ID_LIKE=", 8) != 0)
                return false;
        strsep(&line, "=");
        while ((word = strsep(&line, " \"'\n")))
                if (strcmp(word, "debian") == 0 || strcmp(word, "ubuntu") == 0)
                        return true;
        return false;
}

/* According to os-release(5).  If that is missing, assume Debian, for which visaged has packages. */
static bool is_debian(const struct doctor_world *world)
{
        char path[PATH_MAX], line[256];
        _cleanup_(fclosep) FILE *file = fopen(doctor_path(world, path, "/etc/os-release"), "re");

        if (!file)
                return true;
        while (fgets(line, sizeof line, file))
                if (names_debian(line))
                        return true;
        return false;
}

void doctor_fix_install(const struct doctor_world *world, struct doctor_finding *ret, const char *packages,
                        const char *what)
{
        if (is_debian(world))
                doctor_fix(ret, "apt install %s", packages);
        else
                doctor_fix(ret, "install %s", what);
}

/* ---- nodes ---- */

void doctor_resolve(const struct doctor_world *world, const char *path, char *ret, size_t size)
{
        char full[PATH_MAX], target[PATH_MAX];

        snprintf(ret, size, "%s", path);
        if (strncmp(path, "/dev/", 5) != 0)
                return;
        ssize_t n = readlink(doctor_path(world, full, "%s", path), target, sizeof target - 1);
        if (n <= 0)
                return;
        target[n] = '\0';
        const char *name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
        if (strncmp(name, "video", 5) == 0)
                snprintf(ret, size, "/dev/%s", name);
}

static int compare(const void *a, const void *b)
{
        return strverscmp(a, b);
}

void doctor_nodes(const struct doctor_world *world, struct doctor_nodes *ret)
{
        char path[PATH_MAX];
        struct dirent *entry;
        DIR *dir = opendir(doctor_path(world, path, "/sys/class/video4linux"));

        ret->count = 0;
        if (!dir)
                return;
        while ((entry = readdir(dir)) && ret->count < DOCTOR_NODES_MAX)
                if (strncmp(entry->d_name, "video", 5) == 0 && strlen(entry->d_name) < sizeof ret->name[0])
                        strcpy(ret->name[ret->count++], entry->d_name);
        closedir(dir);
        qsort(ret->name, ret->count, sizeof ret->name[0], compare);
}

bool doctor_is_loopback(const struct doctor_world *world, const char *name)
{
        return doctor_exists(world, "/sys/class/video4linux/%s/format", name) &&
               doctor_exists(world, "/sys/class/video4linux/%s/buffers", name);
}

/* ---- processes ---- */

/* Whether a process has the node open; -1: we may not see that.  A process that has just ended has nothing open. */
static int has_open(const struct doctor_world *world, const char *pid, const char *node)
{
        char path[PATH_MAX], target[PATH_MAX];
        struct dirent *entry;
        int has = 0;
        DIR *dir = opendir(doctor_path(world, path, "/proc/%s/fd", pid));

        if (!dir)
                return errno == ENOENT ? 0 : -1;
        while (has == 0 && (entry = readdir(dir))) {
                ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
                has = n > 0 && (size_t)n == strlen(node) && memcmp(target, node, (size_t)n) == 0;
        }
        closedir(dir);
        return has;
}

static void add_opener(const struct doctor_world *world, const char *pid, struct doctor_openers *ret)
{
        size_t n = strlen(ret->text);
        char name[64];

        doctor_read(world, name, sizeof name, "/proc/%s/comm", pid);
        if (strcmp(name, "visaged") == 0) {
                ret->visaged = true;
                return;
        }
        snprintf(ret->text + n, sizeof ret->text - n, "%s%s (%s)", ret->count++ > 0 ? ", " : "", name, pid);
}

void doctor_openers(const struct doctor_world *world, const char *node, struct doctor_openers *ret)
{
        char path[PATH_MAX];
        struct dirent *entry;
        DIR *dir = opendir(doctor_path(world, path, "/proc"));

        *ret = (struct doctor_openers){0};
        if (!dir)
                return;
        while ((entry = readdir(dir))) {
                if (!isdigit((unsigned char)entry->d_name[0]))
                        continue;
                int has = has_open(world, entry->d_name, node);
                if (has < 0)
                        ret->hidden = true;
                else if (has > 0)
                        add_opener(world, entry->d_name, ret);
        }
        closedir(dir);
}

/* ---- groups ---- */

bool doctor_group(const struct doctor_world *world, const char *group, const char *user, gid_t *ret_gid,
                  bool *ret_member)
{
        char path[PATH_MAX];
        _cleanup_(freep) char *line = NULL;
        _cleanup_(fclosep) FILE *file = fopen(doctor_path(world, path, "/etc/group"), "re");
        size_t size = 0;

        *ret_member = false;
        while (file && getline(&line, &size, file) >= 0) {
                char *at = line, *name = strsep(&at, ":"), *member;
                if (!at || strcmp(name, group) != 0)
                        continue;
                strsep(&at, ":");
                const char *gid = at ? strsep(&at, ":") : NULL;
                *ret_gid = gid ? (gid_t)strtoul(gid, NULL, 10) : (gid_t)-1;
                while ((member = strsep(&at, ",\n")))
                        if (*member && strcmp(member, user) == 0)
                                *ret_member = true;
                return true;
        }
        return false;
}
