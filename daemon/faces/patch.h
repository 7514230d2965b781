/* A set of pixels as sums, from which centre and spread follow. */
#pragma once

/* Pixels in the picture's coordinates. */
struct patch {
        double area;             /* in the labels' pixels */
        double x, y, xx, xy, yy; /* sums */
};

void patch_add(struct patch *patch, float x, float y);

/* The centre of a patch, and its spread (standard deviation) along a direction; the area must not be 0. */
float patch_x(const struct patch *patch);
float patch_y(const struct patch *patch);
float patch_spread(const struct patch *patch, float along_x, float along_y);
/* The sum of patches[first] to patches[last]. */
struct patch patch_sum(const struct patch *patches, unsigned first, unsigned last);
