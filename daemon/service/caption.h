/* Words on a picture, in whatever sans-serif font the machine has (fontconfig, FreeType). */
#pragma once

#include <stdint.h>

struct caption;

/* -ENOENT: no font; -EIO: one that cannot be read. */
int caption_new(struct caption **ret);
void caption_free(struct caption *caption); /* NULL is fine */

/* Draws a line of ASCII in the middle of `row`, its baseline, over RGBA of that size: `height` pixels high, or less where it
 * would not fit in nine tenths of the width. */
void caption_draw(struct caption *caption, const char *text, uint32_t row, uint32_t height, const uint8_t colour[3],
                  uint8_t *rgba, uint32_t rgba_width, uint32_t rgba_height);
