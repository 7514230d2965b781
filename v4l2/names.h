/* What cameras and outputs are called.  Only here is such a name taken apart; camera.h and sink.h tell what there is. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define BY_ID "/dev/v4l/by-id/"

enum name_kind { NAME_NODE, NAME_IMAGE, NAME_Y4M, NAME_PNG };

/* The kind of a camera's name, or of an output's; *ret_rest (may be NULL) is what follows the colon, of a node all of it. */
enum name_kind name_of_camera(const char *spec, const char **ret_rest);
enum name_kind name_of_output(const char *spec, const char **ret_rest);

/* "y4m:FILE?once": the camera ends with the file. */
bool name_plays_once(const char *spec);

/* Whether a camera of this name may be plugged in yet: not where the name is a picture's or a film's, or where something else
 * than a device lies.  Asks the file system. */
bool name_may_appear(const char *spec);

/* The path of a camera's node, from that or from its name in BY_ID.  -ENAMETOOLONG. */
int name_node(const char *spec, char *ret, size_t size);

/* The same, without links, of a video node in a folder of devices; it is not opened.  False: the name is of no such node. */
bool name_finds_node(const char *spec, char ret[PATH_MAX]);

/* The name in BY_ID of the node that is this device, the first of several; "" where it has none. */
void name_by_id(dev_t device, char *ret, size_t size);
