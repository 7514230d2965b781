/* Where files are on this machine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The model to use: `wanted` unless it is empty, else the installed default, else the one in the source tree that this
 * program was built from.  Does not read the file.  -ENAMETOOLONG. */
int paths_model(const char *wanted, char *ret, size_t size);

/* The directory for compiled pipelines: $CACHE_DIRECTORY (set by systemd), else visaged/ in $XDG_CACHE_HOME or
 * ~/.cache.  Creates it if necessary.  NULL: there is none. */
const char *paths_cache(char *buffer, size_t size);

/* The configuration file.  If `session` is set, it is the user's own, visaged/visaged.conf in $XDG_CONFIG_HOME or
 * ~/.config, if that exists; otherwise the machine's.  A user's service manager sets $CONFIGURATION_DIRECTORY to that
 * visaged/. */
const char *paths_config(bool session, char *buffer, size_t size);

/* mkdir -p.  Negative errno; -ENOTDIR: it exists, but is no directory. */
int paths_make(const char *directory);

/* Whether the permissions allow a file to be written, or created if it does not exist.  0, or the error that would
 * occur. */
int paths_can_write(const char *file);

/* The length of a file's name without its suffix: "face.JPG" -> 4.  Only suffixes of pictures count. */
size_t paths_stem(const char *name);
