/* Runs every file of the given folders through a target, without libFuzzer and with any compiler.  A folder that
 * does not exist counts as empty.  Prints TAP, with one result.  If it crashes, the last file that it named
 * is the cause. */
#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static void replay(const char *path)
{
        FILE *file = fopen(path, "rb");
        size_t size;
        uint8_t *data;

        MUST(file && fseek(file, 0, SEEK_END) == 0);
        size = (size_t)ftell(file);
        rewind(file);
        data = malloc(size ? size : 1); /* no larger, so that a sanitizer sees an access beyond the end */
        MUST(data && fread(data, 1, size, file) == size);
        fclose(file);
        LLVMFuzzerTestOneInput(data, size);
        free(data);
}

int main(int argc, char **argv)
{
        unsigned count = 0;

        printf("1..1\n");
        for (int i = 1; i < argc; i++) {
                struct dirent **entries;
                int n = scandir(argv[i], &entries, NULL, alphasort);

                for (int k = 0; k < n; k++) {
                        char path[PATH_MAX];

                        if (*entries[k]->d_name != '.') {
                                snprintf(path, sizeof path, "%s/%s", argv[i], entries[k]->d_name);
                                printf("# %s\n", path);
                                fflush(stdout);
                                replay(path);
                                count++;
                        }
                        free(entries[k]);
                }
                if (n >= 0)
                        free(entries);
        }
        printf("%sok 1 - %u files\n", count ? "" : "not ", count);
        return count ? 0 : 1;
}
