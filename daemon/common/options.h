/* visaged's command line. */
#pragma once

#include <stdbool.h>

#include "daemon/common/config.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h: the service manager need not try again */

struct options {
        struct config config;              /* defaults, then the file, then its drop-ins, then the command line */
        const char *keys[CONFIG_KEYS_MAX]; /* what the command line says of each of config_keys(), or NULL */
        struct {
                size_t key;
                const char *value;
        } more[CONFIG_OUTPUTS_MAX]; /* what it says again, of keys that may have many values */
        unsigned more_count;
        bool check;
        uint64_t frames;            /* stop after so many, 0: never */
        const char *report, *sheet; /* files, or NULL */
        const char *config_file;    /* NULL: the usual one, which need not be there */
};

/* Reads the configuration file and the command line and says what is wrong with them.  Returns a process's exit status,
 * or -1 to go on. */
int options_parse(int argc, char **argv, struct options *ret);

/* The configuration as it is now, in the files and by the command line; how many files there are.  -EBADMSG: `complain`
 * was told; *ret is untouched. */
int options_config(const struct options *options, struct config *ret, config_complaint complaint, void *userdata);
