/* Many pixels as their sums, of which centre and spread follow. */
#pragma once

/* Pixels in the picture's coordinates. */
struct patch {
        double area;             /* of the labels' pixels */
        double x, y, xx, xy, yy; /* sums */
};

void patch_add(struct patch *patch, float x, float y);

/* Of a patch: its centre, and its spread (standard deviation) along a direction. */
float patch_x(const struct patch *patch);
float patch_y(const struct patch *patch);
float patch_spread(const struct patch *patch, float along_x, float along_y);
/* The sum of several. */
struct patch patch_sum(const struct patch *patches, unsigned first, unsigned last);
