/* visaged's command line. */
#pragma once

#include <stdbool.h>

#include "daemon/config.h"

struct options {
        struct config config;
        bool check;
        uint64_t frames;            /* stop after so many, 0: never */
        const char *report, *sheet; /* files, or NULL */
        const char *config_file;    /* that was read, or NULL */
};

/* Reads the configuration file and the command line and says what is wrong with them.  Returns a process's exit status,
 * or -1 to go on. */
int options_parse(int argc, char **argv, struct options *ret);
