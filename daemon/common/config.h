/* The user's settings: one table of keys for the configuration file, the command line, the help and the defaults. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/pipeline/effects/settings.h"
#include "v4l2/frame.h"

#define CONFIG_OUTPUTS_MAX 4
#define CONFIG_FACES_MAX 8
#define CONFIG_FILE "/etc/visaged/visaged.conf" /* unless paths_config() finds another */

enum mode { MODE_SMOOTH, MODE_EXACT };
enum precision { PRECISION_FP32, PRECISION_FP16 };

struct config {
        char camera[PATH_MAX];                             /* "": the first one found */
        char virtual_camera[CONFIG_OUTPUTS_MAX][PATH_MAX]; /* unused ones, at the end, are "" */
        uint32_t width, height;
        struct frame_rate rate;
        char model[PATH_MAX]; /* "": the default one */
        char gpu[256];        /* "": the best one */
        enum precision precision;
        struct effect_settings effect;
        enum mode mode;
        uint32_t label_age_ms;               /* the limit for labels that are used to hide something */
        uint32_t faces;                      /* how many get a view of their own */
        uint32_t face_born_ms, face_gone_ms; /* how long one is seen before it is there; unseen before it is gone */
        unsigned always_on;                  /* 1: the camera is open even if nobody watches */
};

struct config_key {
        const char *name;
        const char *argument; /* what --help calls the value */
        const char *help;     /* lines separated by \n */
        const char *default_value;
        const char *allowed; /* completes "must be ..." */
        int (*parse)(const struct config_key *key, const char *value, struct config *config);
        const char *const *choices;         /* NULL-terminated, for keys that are one of a few words */
        uint32_t low, high;                 /* for keys that are a whole number */
        const struct effect_option *option; /* for options of effects */
        bool many;                          /* repeating the key in the same file or command line adds a value */
        size_t offset, size;                /* of the member that parse() sets */
};

#define CONFIG_KEYS_MAX 48

/* The keys, with those of the effects' options last, terminated by one without a name. */
const struct config_key *config_keys(void);

extern const char *const mode_names[];
extern const char *const precision_names[];
extern const char *const no_yes[];

void config_init(struct config *config); /* sets all keys to their defaults */

/* Replaces the current value.  -ENOENT: no such key; -EINVAL: an invalid value; `why` says what is allowed. */
int config_set(struct config *config, const char *name, const char *value, char *why, size_t why_size);

/* Adds a value to a key that may have many.  Errors as above. */
int config_add(struct config *config, const char *name, const char *value, char *why, size_t why_size);

/* The part of a configuration that determines the engine: the GPU, the model, the precision. */
bool config_same_engine(const struct config *a, const struct config *b);
void config_choose_engine(struct config *to, const struct config *from);

typedef void (*config_complaint)(void *userdata, const char *message);

/* Reads a file, which overrides what is already set.  Passes every mistake to `complain` as "file:line: message", and
 * then returns -EBADMSG.  A file that cannot be read is one complaint and its errno. */
int config_read(struct config *config, const char *path, config_complaint complain, void *userdata);

/* The same for the files in the folder "path.d" that end in .conf, in the order of their names.  Returns how many there
 * are. */
int config_read_drop_ins(struct config *config, const char *path, config_complaint complain, void *userdata);
