/* visaged's command line. */
#pragma once

#include <stdbool.h>

#include "daemon/common/config.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h: the service manager should not retry */

struct options {
        struct config config;              /* defaults, then the file, then its drop-ins, then the command line */
        const char *keys[CONFIG_KEYS_MAX]; /* the command line's value for each of config_keys(), or NULL */
        struct {
                size_t key;
                const char *value;
        } more[CONFIG_OUTPUTS_MAX]; /* its further values for keys that may have many */
        unsigned more_count;
        bool check;
        uint64_t frames;            /* stop after this many; 0: never */
        const char *report, *sheet; /* files, or NULL */
        const char *config_file;    /* NULL: the usual one, which may be missing */
};

/* Reads the configuration file and the command line, and reports mistakes in them.  Returns an exit status, or -1 to
 * continue. */
int options_parse(int argc, char **argv, struct options *ret);

/* Reads the current configuration from the files and the command line.  Returns how many files there are.  -EBADMSG:
 * the mistakes were passed to `complain`, and *ret is unchanged. */
int options_config(const struct options *options, struct config *ret, config_complaint complaint, void *userdata);
