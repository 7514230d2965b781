/* The picture that the virtual camera shows while there is nothing better: a soft grey card with the outline of a face
 * and a few words that say why. */
#pragma once

#include <stdbool.h>

#include "v4l2/frame.h"

struct placeholder;

/* For a sink of that format.  -ENOMEM, -ENOTSUP. */
int placeholder_new(const struct frame_format *format, struct placeholder **ret);
void placeholder_free(struct placeholder *placeholder); /* NULL is fine */

/* False if the machine has no font: then there is no text. */
bool placeholder_can_write(const struct placeholder *placeholder);

/* A line of ASCII, 63 characters at most.  Draws the picture again only if the text has changed. */
void placeholder_say(struct placeholder *placeholder, const char *caption);

/* In the sink's format. */
const uint8_t *placeholder_bytes(const struct placeholder *placeholder);

/* The picture without the caption as RGBA, width x height x 4 bytes. */
void placeholder_draw(uint32_t width, uint32_t height, uint8_t *ret);
