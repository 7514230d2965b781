#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/paths.h"
#include "daemon/evaluation/pairs.h"

static int is_picture(const struct dirent *entry)
{
        return entry->d_name[0] != '.' && paths_stem(entry->d_name) < strlen(entry->d_name);
}

static int by_stem(const struct dirent **a, const struct dirent **b)
{
        const char *x = (*a)->d_name, *y = (*b)->d_name;
        size_t n = paths_stem(x), m = paths_stem(y);
        int order = memcmp(x, y, n < m ? n : m);

        return order ? order : n != m ? (n < m ? -1 : 1) : strcmp(x, y);
}

static const char *slash(const char *folder)
{
        size_t n = strlen(folder);

        return n > 0 && folder[n - 1] == '/' ? "" : "/";
}

static int add(struct pairs *pairs, const char *images, const char *labels, const char *name)
{
        struct pair *pair = &pairs->list[pairs->count++];

        if (asprintf(&pair->picture, "%s%s%s", images, slash(images), name) < 0)
                pair->picture = NULL;
        if (asprintf(&pair->labels, "%s%s%.*s.png", labels, slash(labels), (int)paths_stem(name), name) < 0)
                pair->labels = NULL;
        return pair->picture && pair->labels ? 0 : -ENOMEM;
}

static int add_all(struct pairs *pairs, const char *images, const char *labels, struct dirent **entries, int n)
{
        int r = 0;

        pairs->list = calloc(n + 1, sizeof *pairs->list);
        if (!pairs->list)
                return -ENOMEM;
        for (int i = 0; r == 0 && i < n; i++)
                r = add(pairs, images, labels, entries[i]->d_name);
        return r;
}

static bool any_labels(const struct pairs *pairs)
{
        for (size_t i = 0; i < pairs->count; i++)
                if (access(pairs->list[i].labels, F_OK) == 0)
                        return true;
        return false;
}

int pairs_find(struct pairs *ret, const char *images, const char *labels, char *why, size_t why_size)
{
        struct pairs pairs = {0};
        struct dirent **entries;

        int n = scandir(images, &entries, is_picture, by_stem);
        if (n < 0) {
                int r = -errno;
                snprintf(why, why_size, "%s: %s", images, strerror(-r));
                return r;
        }
        int r = add_all(&pairs, images, labels, entries, n);
        if (r < 0) {
                snprintf(why, why_size, "%s: %s", images, strerror(-r));
        } else if (n == 0) {
                snprintf(why, why_size, "%s: there is no PNG or JPEG picture; check --images", images);
                r = -ENOENT;
        } else if (!any_labels(&pairs)) {
                snprintf(why, why_size, "%s: no picture of %s has labels there (%s needs %s); check --labels", labels,
                         images, pairs.list[0].picture, pairs.list[0].labels);
                r = -ENOENT;
        }
        for (int i = 0; i < n; i++)
                free(entries[i]);
        free(entries);
        if (r < 0)
                pairs_free(&pairs);
        else
                *ret = pairs;
        return r;
}

void pairs_free(struct pairs *pairs)
{
        for (size_t i = 0; i < pairs->count; i++) {
                free(pairs->list[i].picture);
                free(pairs->list[i].labels);
        }
        free(pairs->list);
        *pairs = (struct pairs){0};
}
