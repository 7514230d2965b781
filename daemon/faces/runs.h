/* Connected pieces of a label map, by runs of rows and union-find. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct row_run {
        uint32_t y, from, to; /* columns from..to-1 */
        uint32_t piece;       /* the run that represents its piece */
        uint32_t pixels;      /* of the whole piece, in the run that represents it */
        uint32_t place;       /* free for the caller */
};

/* Runs of pixels for which `member[label]` is set, connected by edges and corners.  `runs` has room for (width + 1) / 2
 * * height.  Returns their number. */
size_t runs_connect(const uint8_t *labels, uint32_t width, uint32_t height, const uint8_t member[256],
                    struct row_run *runs);
