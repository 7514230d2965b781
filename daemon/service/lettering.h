/* Words on a picture, in whatever sans-serif font the machine has (fontconfig, FreeType). */
#pragma once

#include <stdint.h>

struct lettering;

/* -ENOENT: no font; -EIO: one that cannot be read. */
int lettering_new(struct lettering **ret);
void lettering_free(struct lettering *lettering); /* NULL is fine */

/* Draws a line of ASCII in the middle of `row`, its baseline, over RGBA of that size: `height` pixels high, or less where it
 * would not fit in nine tenths of the width. */
void lettering_draw(struct lettering *lettering, const char *text, uint32_t row, uint32_t height,
                    const uint8_t colour[3], uint8_t *rgba, uint32_t rgba_width, uint32_t rgba_height);
