#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "v4l2/names.h"

#define VIDEO_MAJOR 81 /* Documentation/admin-guide/devices.txt */

static const char *const prefixes[] = {[NAME_IMAGE] = "image:", [NAME_Y4M] = "y4m:", [NAME_PNG] = "png:"};

static bool has_prefix(const char *spec, enum name_kind kind, const char **ret_rest)
{
        const size_t length = strlen(prefixes[kind]);

        if (strncmp(spec, prefixes[kind], length) != 0)
                return false;
        if (ret_rest)
                *ret_rest = spec + length;
        return true;
}

static enum name_kind kind_of(const char *spec, enum name_kind one, enum name_kind other, const char **ret_rest)
{
        if (has_prefix(spec, one, ret_rest))
                return one;
        if (has_prefix(spec, other, ret_rest))
                return other;
        if (ret_rest)
                *ret_rest = spec;
        return NAME_NODE;
}

enum name_kind name_of_camera(const char *spec, const char **ret_rest)
{
        return kind_of(spec, NAME_IMAGE, NAME_Y4M, ret_rest);
}

enum name_kind name_of_output(const char *spec, const char **ret_rest)
{
        return kind_of(spec, NAME_Y4M, NAME_PNG, ret_rest);
}

bool name_plays_once(const char *spec)
{
        static const char option[] = "?once";
        const size_t n = strlen(spec), length = sizeof option - 1;

        return has_prefix(spec, NAME_Y4M, NULL) && n > length && strcmp(spec + n - length, option) == 0;
}

bool name_may_appear(const char *spec)
{
        char path[PATH_MAX];
        struct stat st;

        if (name_of_camera(spec, NULL) != NAME_NODE)
                return false;
        return name_node(spec, path, sizeof path) < 0 || stat(path, &st) < 0 || S_ISCHR(st.st_mode);
}

int name_node(const char *spec, char *ret, size_t size)
{
        return snprintf(ret, size, "%s%s", strchr(spec, '/') ? "" : BY_ID, spec) < (int)size ? 0 : -ENAMETOOLONG;
}

/* Only in a folder of devices: elsewhere, even looking may take forever (on a share of a dead server), and links may
 * belong to somebody else. */
static bool is_device_path(const char *path)
{
        static const char *const folders[] = {"/dev/", BY_ID, "/dev/v4l/by-path/"};

        for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
                if (strncmp(path, folders[i], strlen(folders[i])) == 0 && !strchr(path + strlen(folders[i]), '/'))
                        return true;
        return false;
}

bool name_finds_node(const char *spec, char ret[PATH_MAX])
{
        char path[PATH_MAX + sizeof BY_ID];
        struct stat st;

        return name_node(spec, path, sizeof path) == 0 && is_device_path(path) && realpath(path, ret) &&
               strncmp(ret, "/dev/", 5) == 0 && stat(ret, &st) == 0 && S_ISCHR(st.st_mode) &&
               major(st.st_rdev) == VIDEO_MAJOR;
}

void name_by_id(dev_t device, char *ret, size_t size)
{
        DIR *dir = opendir(BY_ID);
        struct dirent *entry;
        struct stat st;

        *ret = '\0';
        if (!dir)
                return;
        while ((entry = readdir(dir)))
                if (!fstatat(dirfd(dir), entry->d_name, &st, 0) && S_ISCHR(st.st_mode) && st.st_rdev == device &&
                    (!*ret || strcmp(entry->d_name, ret) < 0))
                        snprintf(ret, size, "%s", entry->d_name);
        closedir(dir);
}
