/* A picture before a hand-held lens. */
#pragma once

#include <stdint.h>

/* Where the pixel (x, y) of the output lies in the source, pixel centres at integers:
 * u = origin_u + x * step[0] + y * step[1], v = origin_v + x * step[2] + y * step[3]. */
struct motion_map {
        double origin_u, origin_v;
        double step[4];
};

/* Fills a width x height output from a source of that size, keeping proportions and cutting what does not fit. */
struct motion_map motion_rest(uint32_t source_width, uint32_t source_height, uint32_t width, uint32_t height);

/* The same, drifted, turned and zoomed as frame `n` has it; frame 0 is at rest. */
struct motion_map motion_at(struct motion_map rest, uint32_t width, uint32_t height, uint64_t n);

/* Bilinear, edges repeated.  `source`: RGBA, `ret`: packed RGB. */
void motion_draw(const struct motion_map *map, const uint8_t *source, uint32_t source_width, uint32_t source_height,
                 uint8_t *ret, uint32_t width, uint32_t height);
