/* The names of cameras and outputs, which camera.h and sink.h list.  Only this file parses them. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define BY_ID "/dev/v4l/by-id/"

enum name_kind { NAME_NODE, NAME_IMAGE, NAME_Y4M, NAME_PNG };

/* The kind of a camera's name, or of an output's.  *ret_rest (may be NULL) is the part after the colon; for a node, the
 * whole name. */
enum name_kind name_of_camera(const char *spec, const char **ret_rest);
enum name_kind name_of_output(const char *spec, const char **ret_rest);

/* Whether it is "y4m:FILE?once": the camera ends with the file. */
bool name_plays_once(const char *spec);

/* Whether a camera of this name may still be plugged in.  It may not if the name is that of a picture or a video, or if
 * there is something other than a device at its path.  Looks at the file system. */
bool name_may_appear(const char *spec);

/* The path of a camera's node, given the path or its name in BY_ID.  -ENAMETOOLONG. */
int name_node(const char *spec, char *ret, size_t size);

/* The same with links resolved, for a video node in a folder of devices, which is not opened.  False: the name is not
 * that of such a node. */
bool name_finds_node(const char *spec, char ret[PATH_MAX]);

/* The name in BY_ID of this device, or the first of several; "" if it has none. */
void name_by_id(dev_t device, char *ret, size_t size);
