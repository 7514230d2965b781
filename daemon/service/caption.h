/* Words on a picture, in whatever sans-serif font the machine has (fontconfig, FreeType). */
#pragma once

#include <stdint.h>

struct caption;

/* -ENOENT: no font; -EIO: one that cannot be read. */
int caption_new(struct caption **ret);
void caption_free(struct caption *caption); /* NULL is fine */

/* Draws a centred line of ASCII with its baseline at `row` on an RGBA picture of that size.  It is `height` pixels
 * high, or less if it would not fit into nine tenths of the width. */
void caption_draw(struct caption *caption, const char *text, uint32_t row, uint32_t height, const uint8_t colour[3],
                  uint8_t *rgba, uint32_t rgba_width, uint32_t rgba_height);
