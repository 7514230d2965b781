#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "v4l2/files/orientation.h"

#define EXIF_MAGIC "Exif\0"
#define EXIF_MAGIC_SIZE 6 /* with a byte of padding, which is 0 */

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_SIZE 12

/* ---- finding it ---- */

struct span {
        const uint8_t *data;
        size_t size;
};

/* The TIFF file inside the segment that EXIF puts before the picture. */
static bool find_tiff(const uint8_t *jpeg, size_t size, struct span *ret)
{
        size_t at = 2, length;

        for (; size >= 4 && at <= size - 4 && jpeg[at] == 0xff && jpeg[at + 1] != 0xda; at += 2 + length) {
                length = (size_t)(jpeg[at + 2] << 8 | jpeg[at + 3]);
                if (length < 2 || length > size - at - 2)
                        return false;
                if (jpeg[at + 1] == 0xe1 && length > 2 + EXIF_MAGIC_SIZE &&
                    !memcmp(jpeg + at + 4, EXIF_MAGIC, EXIF_MAGIC_SIZE)) {
                        *ret = (struct span){jpeg + at + 4 + EXIF_MAGIC_SIZE, length - 2 - EXIF_MAGIC_SIZE};
                        return true;
                }
        }
        return false;
}

/* A number of `bytes` (2 or 4) at `at`; 0 beyond the end. */
static uint32_t number(const struct span *tiff, size_t at, unsigned bytes)
{
        const bool little = tiff->data[0] == 'I';
        uint32_t value = 0;

        if (at > tiff->size || tiff->size - at < bytes)
                return 0;
        for (unsigned i = 0; i < bytes; i++)
                value |= (uint32_t)tiff->data[at + i] << 8 * (little ? i : bytes - 1 - i);
        return value;
}

static uint32_t read_orientation(const struct span *tiff)
{
        size_t entry = (size_t)number(tiff, 4, 4) + 2;

        for (uint32_t left = number(tiff, entry - 2, 2); left > 0; left--, entry += ENTRY_SIZE)
                if (number(tiff, entry, 2) == TAG_ORIENTATION && number(tiff, entry + 2, 2) == TYPE_SHORT)
                        return number(tiff, entry + 8, 2);
        return 0;
}

unsigned orientation_find(const uint8_t *jpeg, size_t size)
{
        struct span tiff;
        uint32_t value;

        if (!find_tiff(jpeg, size, &tiff) || tiff.size < 8 ||
            (memcmp(tiff.data, "II*\0", 4) != 0 && memcmp(tiff.data, "MM\0*", 4) != 0))
                return 1;
        value = read_orientation(&tiff);
        return value >= 1 && value <= 8 ? value : 1;
}

/* ---- applying it ---- */

/* Maps a pixel's position in the upright picture to its position in the file. */
static const struct {
        bool swap, flip_x, flip_y; /* swap x and y; then count from the right, from the bottom */
} ways[9] = {
        [2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true}, [5] = {true, false, false},
        [6] = {true, false, true},  [7] = {true, true, true},  [8] = {true, true, false},
};

int orientation_apply(unsigned orientation, struct picture *picture)
{
        const bool swap = ways[orientation].swap;
        const uint32_t from_width = picture->width, from_height = picture->height;
        const uint32_t width = swap ? from_height : from_width, height = swap ? from_width : from_height;
        uint8_t *rgba, *to;

        if (orientation == 1)
                return 0;
        rgba = to = malloc((size_t)width * height * 4);
        if (!rgba)
                return -ENOMEM;
        for (uint32_t y = 0; y < height; y++)
                for (uint32_t x = 0; x < width; x++, to += 4) {
                        uint32_t from_x = swap ? y : x, from_y = swap ? x : y;

                        from_x = ways[orientation].flip_x ? from_width - 1 - from_x : from_x;
                        from_y = ways[orientation].flip_y ? from_height - 1 - from_y : from_y;
                        memcpy(to, picture->rgba + ((size_t)from_y * from_width + from_x) * 4, 4);
                }
        free(picture->rgba);
        *picture = (struct picture){width, height, rgba};
        return 0;
}
