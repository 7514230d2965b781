#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/options.h"
#include "daemon/common/paths.h"

/* The configuration's keys take the getopt values from KEYS on. */

enum { OPTION_CONFIG = 256, OPTION_CHECK, OPTION_FRAMES, OPTION_REPORT, OPTION_SHEET, OPTION_VERSION, KEYS };

static const struct {
        const char *name, *argument, *help;
        int value;
} own[] = {
        {"config", "FILE", "read this instead of " CONFIG_FILE ",\nwhich may be missing", OPTION_CONFIG},
        {"check", NULL, "only check the configuration", OPTION_CHECK},
        {"frames", "N", "stop after N frames; placeholders do not count,\nand are not written to a file",
         OPTION_FRAMES},
        {"report", "FILE", "on exit, write statistics as JSON", OPTION_REPORT},
        {"sheet", "FILE", "on exit, write the last frame as a PNG picture:\ninput | labels | overlay", OPTION_SHEET},
        {"help", NULL, "print this help; also -h", 'h'},
        {"version", NULL, "print the version", OPTION_VERSION},
};
#define OWN (sizeof own / sizeof own[0])

static void print_option(const char *name, const char *argument, const char *help, const char *default_value)
{
        char left[64];

        snprintf(left, sizeof left, "  --%s%s%s", name, argument ? "=" : "", argument ? argument : "");
        printf("%-25s", left);
        for (const char *c = help ? help : ""; *c; c++) {
                putchar(*c);
                if (*c == '\n')
                        printf("%25s", "");
        }
        if (default_value && default_value[0])
                printf(" [%s]", default_value);
        putchar('\n');
}

static int help(void)
{
        printf("Usage: visaged [OPTION]...\n\n"
               "Parses the faces in front of a camera on the GPU and shows the result as a virtual camera.\n\n"
               "Settings, here or in the section [visaged] of the configuration file:\n");
        for (const struct config_key *key = config_keys(); key->name; key++)
                print_option(key->name, key->argument, key->help, key->default_value);
        printf("\nAnd:\n");
        for (size_t i = 0; i < OWN; i++)
                print_option(own[i].name, own[i].argument, own[i].help, NULL);
        return 0;
}

static void complain(void *userdata, const char *message)
{
        fprintf(stderr, "%s\n", message);
}

__attribute__((format(printf, 1, 2))) static int usage(const char *format, ...)
{
        va_list ap;

        fputs("visaged: ", stderr);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fprintf(stderr, "\nTry \"visaged --help\".\n");
        return 2;
}

static void make_table(struct option *ret)
{
        const struct config_key *keys = config_keys();

        for (size_t i = 0; i < OWN; i++)
                *ret++ = (struct option){own[i].name, own[i].argument ? required_argument : no_argument, NULL,
                                         own[i].value};
        for (size_t i = 0; keys[i].name; i++)
                *ret++ = (struct option){keys[i].name, required_argument, NULL, KEYS + i};
        *ret = (struct option){0};
}

static int take(int value, struct options *options)
{
        char *end;

        switch (value) {
        case OPTION_CONFIG:
                options->config_file = optarg;
                return -1;
        case OPTION_CHECK:
                options->check = true;
                return -1;
        case OPTION_FRAMES:
                errno = 0;
                options->frames = strtoull(optarg, &end, 10);
                if (errno || *end || *optarg < '0' || *optarg > '9' || options->frames == 0)
                        return usage("--frames cannot be \"%s\": must be a whole number, at least 1", optarg);
                return -1;
        case OPTION_REPORT:
                options->report = optarg;
                return -1;
        case OPTION_SHEET:
                options->sheet = optarg;
                return -1;
        case 'h':
                return help();
        case OPTION_VERSION:
                printf("visaged " VISAGED_VERSION "\n");
                return 0;
        default:
                fprintf(stderr, "Try \"visaged --help\".\n");
                return 2;
        }
}

/* If a key is repeated, its last value counts, unless it may have many. */
static int take_key(size_t key, struct options *options)
{
        if (!options->keys[key] || !config_keys()[key].many) {
                options->keys[key] = optarg;
                return -1;
        }
        if (options->more_count == sizeof options->more / sizeof options->more[0])
                return usage("--%s is given too often", config_keys()[key].name);
        options->more[options->more_count].key = key;
        options->more[options->more_count++].value = optarg;
        return -1;
}

static int apply_keys(const struct options *options, struct config *config, char *why, size_t why_size)
{
        const struct config_key *keys = config_keys();
        int r = 0;

        for (size_t i = 0; r == 0 && keys[i].name; i++)
                if (options->keys[i])
                        r = config_set(config, keys[i].name, options->keys[i], why, why_size);
        for (unsigned i = 0; r == 0 && i < options->more_count; i++)
                r = config_add(config, keys[options->more[i].key].name, options->more[i].value, why, why_size);
        return r;
}

/* `path` has PATH_MAX bytes. */
static const char *config_file(const struct options *options, char *path)
{
        return options->config_file ? options->config_file
                                    : paths_config(getenv("CONFIGURATION_DIRECTORY"), path, PATH_MAX);
}

int options_config(const struct options *options, struct config *ret, config_complaint complaint, void *userdata)
{
        char path[PATH_MAX];
        const char *file = config_file(options, path);
        struct config config;
        char why[1024];
        bool there = options->config_file || access(file, F_OK) == 0;

        config_init(&config);
        int r = there ? config_read(&config, file, complaint, userdata) : 0;
        int drop_ins = config_read_drop_ins(&config, file, complaint, userdata);
        if (r < 0 || drop_ins < 0)
                return -EBADMSG;
        if (apply_keys(options, &config, why, sizeof why) < 0)
                return -EBADMSG; /* cannot happen: options_parse() has checked it */
        *ret = config;
        return there + drop_ins;
}

/* The command line must be valid whatever the files say. */
static int check_keys(const struct options *options)
{
        struct config config;
        char why[1024];

        config_init(&config);
        if (apply_keys(options, &config, why, sizeof why) < 0)
                return usage("--%s", why);
        return -1;
}

int options_parse(int argc, char **argv, struct options *ret)
{
        struct option table[OWN + CONFIG_KEYS_MAX + 1];
        int value, status;

        *ret = (struct options){0};
        make_table(table);
        optind = 1;
        while ((value = getopt_long(argc, argv, "h", table, NULL)) != -1) {
                if (value >= KEYS)
                        status = take_key(value - KEYS, ret);
                else
                        status = take(value, ret);
                if (status >= 0)
                        return status;
        }
        if (optind < argc)
                return usage("unexpected argument \"%s\"", argv[optind]);
        if ((status = check_keys(ret)) >= 0)
                return status;
        int files = options_config(ret, &ret->config, complain, NULL);
        if (files < 0)
                return EXIT_CONFIG;
        if (ret->check) {
                char path[PATH_MAX];
                printf("%s: OK, %d file%s read\n", config_file(ret, path), files, files == 1 ? "" : "s");
                return 0;
        }
        return -1;
}
