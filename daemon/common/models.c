#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/common/models.h"
#include "daemon/common/paths.h"

#define MODELS_MAX 64

static bool is_listed(const struct model_entry *list, int n, const char *name)
{
        for (int i = 0; i < n; i++)
                if (strcmp(list[i].name, name) == 0)
                        return true;
        return false;
}

/* The models in the folder of `file`. */
static int add_folder(struct model_entry *list, int n, const char *file, const char *default_file)
{
        char pattern[PATH_MAX + 16];
        const char *slash = strrchr(file, '/');
        glob_t found;
        struct stat st;

        snprintf(pattern, sizeof pattern, "%.*s*.safetensors", slash ? (int)(slash - file + 1) : 0, file);
        if (glob(pattern, 0, NULL, &found) != 0)
                return n;
        for (size_t i = 0; i < found.gl_pathc && n < MODELS_MAX; i++) {
                struct model_entry *entry = &list[n];
                const char *base = strrchr(found.gl_pathv[i], '/');
                base = base ? base + 1 : found.gl_pathv[i];
                snprintf(entry->name, sizeof entry->name, "%.*s", (int)(strlen(base) - strlen(".safetensors")), base);
                snprintf(entry->path, sizeof entry->path, "%s", found.gl_pathv[i]);
                if (is_listed(list, n, entry->name) || stat(entry->path, &st) < 0 || !S_ISREG(st.st_mode))
                        continue;
                entry->size = st.st_size;
                entry->is_default = strcmp(entry->path, default_file) == 0;
                n++;
        }
        globfree(&found);
        return n;
}

int models_list(const char *configured, struct model_entry **ret)
{
        struct model_entry *list = calloc(MODELS_MAX, sizeof *list);
        char default_file[PATH_MAX];
        int n = 0;

        if (!list)
                return -ENOMEM;
        if (paths_model("", default_file, sizeof default_file) == 0)
                n = add_folder(list, n, default_file, default_file);
        n = add_folder(list, n, "/usr/local/share/visaged/", default_file);
        if (configured[0])
                n = add_folder(list, n, configured, default_file);
        *ret = list;
        return n;
}

void models_names(const struct model_entry *list, int n, bool files, char *ret, size_t size)
{
        size_t length = 0;

        snprintf(ret, size, "none");
        for (int i = 0; i < n && length < size; i++)
                length += snprintf(ret + length, size - length, "%s%s", i > 0 ? ", " : "",
                                   files ? list[i].path : list[i].name);
}
