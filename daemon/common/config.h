/* What the user can set: one table of keys makes the configuration file, the command line, the help and the defaults.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/pipeline/effects/settings.h"
#include "shaders/ops.h"
#include "v4l2/frame.h"

#define CONFIG_OUTPUTS_MAX 4
#define CONFIG_FILE "/etc/visaged/visaged.conf" /* unless paths_config() finds another */

enum mode { MODE_SMOOTH, MODE_EXACT };

struct config {
        char camera[PATH_MAX];                             /* "": the first there is */
        char virtual_camera[CONFIG_OUTPUTS_MAX][PATH_MAX]; /* "" from the first on that is not there */
        uint32_t width, height;
        struct frame_rate rate;
        char model[PATH_MAX]; /* "": the default one */
        char gpu[256];        /* "": the best one */
        enum gpu_dtype precision;
        struct effect_settings effect;
        enum mode mode;
        unsigned always_on; /* 1: the camera is open though nobody watches */
};

struct config_key {
        const char *name;
        const char *argument; /* what --help calls the value */
        const char *help;     /* lines separated by \n */
        const char *default_value;
        const char *allowed; /* completes "allowed is ..." */
        int (*parse)(const struct config_key *key, const char *value, struct config *config);
        const char *const *choices;         /* NULL-terminated, for keys that are one of a few words */
        const struct effect_option *option; /* for keys that are an effect's */
        bool many;                          /* the key may be given again in the same place, and then adds a value */
        size_t offset, size;                /* of the member that parse() sets */
};

#define CONFIG_KEYS_MAX 48

/* The keys, those of the effects' options at last, ended by one without a name. */
const struct config_key *config_keys(void);

extern const char *const mode_names[];
extern const char *const precision_names[];
extern const char *const no_yes[];

void config_init(struct config *config); /* everything at its default */

/* In place of what is set so far.  -ENOENT: no such key; -EINVAL: not a value for it; `why` says what is allowed. */
int config_set(struct config *config, const char *name, const char *value, char *why, size_t why_size);

/* A further value of a key that may have many. */
int config_add(struct config *config, const char *name, const char *value, char *why, size_t why_size);

/* What of a configuration is opened: the GPU, the model, the precision. */
bool config_same_engine(const struct config *a, const struct config *b);
void config_choose_engine(struct config *to, const struct config *from);

typedef void (*config_complaint)(void *userdata, const char *message);

/* Reads a file over what is set already.  Every mistake is handed to `complain` as "file:line: message", and then
 * -EBADMSG returned.  A file that cannot be read is one complaint and its errno. */
int config_read(struct config *config, const char *path, config_complaint complain, void *userdata);

/* The same for the files that end in .conf in the folder "path.d", in the order of their names.  How many there are. */
int config_read_drop_ins(struct config *config, const char *path, config_complaint complain, void *userdata);
