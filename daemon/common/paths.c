#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/common/config.h"
#include "daemon/common/paths.h"

/* The source tree is only used by a program in its build folder: once installed, anybody might create a folder of that
 * name. */
static bool runs_from_build(void)
{
        char exe[PATH_MAX];

        ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
        if (n < 0)
                return false;
        exe[n] = '\0';
        return strncmp(exe, VISAGED_BUILD "/", sizeof VISAGED_BUILD) == 0;
}

int paths_model(const char *wanted, char *ret, size_t size)
{
        static const char *const defaults[] = {VISAGED_DATADIR "/default.safetensors",
                                               VISAGED_SOURCE "/model/default.safetensors"};
        const char *path = defaults[0];

        if (wanted && wanted[0])
                path = wanted;
        else if (access(defaults[0], F_OK) < 0 && runs_from_build() && access(defaults[1], F_OK) == 0)
                path = defaults[1];
        return (size_t)snprintf(ret, size, "%s", path) < size ? 0 : -ENAMETOOLONG;
}

int paths_make(const char *directory)
{
        char path[PATH_MAX];
        size_t n = strlen(directory);
        struct stat st;

        if (n == 0)
                return -ENOENT;
        if (n >= sizeof path)
                return -ENAMETOOLONG;
        memcpy(path, directory, n + 1);
        for (size_t i = 1; i <= n; i++) {
                if (path[i] != '/' && path[i] != '\0')
                        continue;
                path[i] = '\0';
                if (mkdir(path, 0777) < 0 && errno != EEXIST)
                        return -errno;
                path[i] = directory[i];
        }
        if (stat(directory, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int paths_can_write(const char *file)
{
        const char *slash = strrchr(file, '/');
        char folder[PATH_MAX];
        struct stat st;

        if (stat(file, &st) == 0)
                return S_ISDIR(st.st_mode) ? -EISDIR : access(file, W_OK) < 0 ? -errno : 0;
        if (errno != ENOENT || !file[0])
                return -errno;
        if (snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - file + 1) : 1, slash ? file : ".") >=
            (int)sizeof folder)
                return -ENAMETOOLONG;
        return access(folder, W_OK | X_OK) < 0 ? -errno : 0;
}

/* One of our folders: from systemd, from the XDG specification, or in the home folder.  False: there is none. */
static bool find_folder(const char *systemd, const char *xdg, const char *below_home, char *ret, size_t size)
{
        const char *home = getenv("HOME");
        int n = -1;

        systemd = getenv(systemd);
        xdg = getenv(xdg);
        if (systemd && systemd[0] == '/') /* a list if the unit names several; ours is the first */
                n = snprintf(ret, size, "%.*s", (int)strcspn(systemd, ":"), systemd);
        else if (xdg && xdg[0] == '/') /* the XDG specification requires relative ones to be ignored */
                n = snprintf(ret, size, "%s/visaged", xdg);
        else if (home && home[0] == '/')
                n = snprintf(ret, size, "%s/%s/visaged", home, below_home);
        return n >= 0 && (size_t)n < size;
}

const char *paths_cache(char *buffer, size_t size)
{
        if (!find_folder("CACHE_DIRECTORY", "XDG_CACHE_HOME", ".cache", buffer, size) || paths_make(buffer) < 0)
                return NULL;
        return buffer;
}

const char *paths_config(bool session, char *buffer, size_t size)
{
        static const char name[] = "/visaged.conf";

        if (!session || !find_folder("CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME", ".config", buffer, size))
                return CONFIG_FILE;
        size_t n = strlen(buffer);
        if (size - n < sizeof name)
                return CONFIG_FILE;
        memcpy(buffer + n, name, sizeof name);
        return access(buffer, F_OK) == 0 ? buffer : CONFIG_FILE;
}

size_t paths_stem(const char *name)
{
        static const char *const suffixes[] = {".png", ".jpg", ".jpeg", ".jpe"};
        size_t n = strlen(name);

        for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
                size_t s = strlen(suffixes[i]);
                if (n > s && strcasecmp(name + n - s, suffixes[i]) == 0)
                        return n - s;
        }
        return n;
}
