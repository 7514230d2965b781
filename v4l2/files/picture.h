/* PNG and JPEG files, whole pictures in memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct picture {
        uint32_t width, height;
        uint8_t *rgba; /* height x width x 4, no padding; free() */
};

/* By content, not by name.  Grey, paletted, 16-bit and alpha pictures become 8-bit RGBA (alpha kept, 255 where there is
 * none); a JPEG's EXIF orientation is honoured, so that up is up.  At most 16384 x 16384. -ENOENT, -EACCES, ...: the
 * file; -EBADMSG: neither PNG nor JPEG, or damaged; -E2BIG: too large; -ENOMEM. */
int picture_read(const char *path, struct picture *ret, char *why, size_t why_size);
/* Only looks whether there is such a file, and whether it begins as one does.  Errors as above. */
int picture_look(const char *path, char *why, size_t why_size);
void picture_free(struct picture *picture);

struct picture_indexed {
        uint32_t width, height;
        uint8_t *index; /* height x width, no padding; free() */
};

/* A paletted PNG as the indices into its palette (not the colours there), an 8-bit grey one as its values.
 * Errors as of picture_read(); -EBADMSG also for a PNG of another kind. */
int picture_read_png_indexed(const char *path, struct picture_indexed *ret, char *why, size_t why_size);

/* RGBA 8-bit (alpha dropped), written to a temporary name and renamed, so that a reader never sees half a file. */
int picture_write_png(const char *path, uint32_t width, uint32_t height, const uint8_t *rgba);

/* The same into a file that is open already, which stays so. */
int picture_write_png_fd(int fd, uint32_t width, uint32_t height, const uint8_t *rgba);

/* One byte a pixel, an index into `palette` (3 bytes a colour, at most 256 colours). */
int picture_write_png_indexed(const char *path, uint32_t width, uint32_t height, const uint8_t *index,
                              const uint8_t *palette, unsigned colors);
