/* A picture as seen by a hand-held camera. */
#pragma once

#include <stdint.h>

/* The position of the output's pixel (x, y) in the source, with pixel centres at integers:
 * u = origin_u + x * step[0] + y * step[1], v = origin_v + x * step[2] + y * step[3]. */
struct motion_map {
        double origin_u, origin_v;
        double step[4];
};

/* The map that fills a width x height output from a source of that size, keeping the aspect ratio and cropping. */
struct motion_map motion_rest(uint32_t source_width, uint32_t source_height, uint32_t width, uint32_t height);

/* The same, drifted, turned and zoomed for frame `n`; frame 0 is at rest. */
struct motion_map motion_at(struct motion_map rest, uint32_t width, uint32_t height, uint64_t n);

/* Bilinear, with repeated edges.  `source`: RGBA, `ret`: packed RGB. */
void motion_draw(const struct motion_map *map, const uint8_t *source, uint32_t source_width, uint32_t source_height,
                 uint8_t *ret, uint32_t width, uint32_t height);
