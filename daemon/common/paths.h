/* Where things are on this machine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The model to use: `wanted` where it is not empty, else the installed default, else the one in the source tree this
 * program was built from.  Does not look into it.  -ENAMETOOLONG. */
int paths_model(const char *wanted, char *ret, size_t size);

/* The directory for compiled pipelines, made when missing: $CACHE_DIRECTORY (systemd's), else visaged/ in
 * $XDG_CACHE_HOME or
 * ~/.cache.  NULL when there is none. */
const char *paths_cache(char *buffer, size_t size);

/* The configuration file: a session's own, visaged/visaged.conf in $XDG_CONFIG_HOME or ~/.config, where `session` and it is
 * there; else the machine's.  A user's service manager sets $CONFIGURATION_DIRECTORY to that visaged/. */
const char *paths_config(bool session, char *buffer, size_t size);

/* mkdir -p */
int paths_make(const char *directory);

/* Whether a file can be written, or made where there is none, as far as permissions tell: 0, or the error that would
 * come. */
int paths_can_write(const char *file);

/* Characters of a file's name before its suffix: "face.JPG" -> 4; what is no picture's suffix belongs to the name. */
size_t paths_stem(const char *name);
