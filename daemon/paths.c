#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/paths.h"

int paths_model(const char *wanted, char *ret, size_t size)
{
        static const char *const defaults[] = {VISAGED_DATADIR "/default.safetensors",
                                               VISAGED_SOURCE "/model/default.safetensors"};
        const char *path = defaults[0];

        if (wanted && wanted[0])
                path = wanted;
        else if (access(defaults[0], F_OK) < 0 && access(defaults[1], F_OK) == 0)
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

const char *paths_cache(char *buffer, size_t size)
{
        const char *systemd = getenv("CACHE_DIRECTORY"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
        int n;

        if (systemd && systemd[0] == '/') /* a list when the unit names several; the first is ours */
                n = snprintf(buffer, size, "%.*s", (int)strcspn(systemd, ":"), systemd);
        else if (xdg && xdg[0] == '/') /* relative ones are to be ignored, says the XDG specification */
                n = snprintf(buffer, size, "%s/visaged", xdg);
        else if (home && home[0] == '/')
                n = snprintf(buffer, size, "%s/.cache/visaged", home);
        else
                return NULL;
        if (n < 0 || (size_t)n >= size || paths_make(buffer) < 0)
                return NULL;
        return buffer;
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
