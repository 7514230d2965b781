#include "v4l2/by-id.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void by_id_find(dev_t device, char *ret, size_t size)
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
