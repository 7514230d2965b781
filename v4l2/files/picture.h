/* PNG and JPEG files, as whole pictures in memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct picture {
        uint32_t width, height;
        uint8_t *rgba; /* height x width x 4, no padding; free() */
};

/* Recognises the format by content, not by name.  Grey, paletted, 16-bit and alpha pictures become 8-bit RGBA (alpha is
 * kept; 255 if there is none).  The EXIF orientation of a JPEG is applied, so that the picture is upright.  At most
 * 16384 x 16384. -ENOENT, -EACCES, ...: the file cannot be read; -EBADMSG: neither PNG nor JPEG, or damaged; -E2BIG:
 * too large; -ENOMEM. */
int picture_read(const char *path, struct picture *ret, char *why, size_t why_size);
/* Only checks that the file exists and begins like a PNG or JPEG.  Errors as above. */
int picture_look(const char *path, char *why, size_t why_size);
void picture_free(struct picture *picture);

struct picture_indexed {
        uint32_t width, height;
        uint8_t *index; /* height x width, no padding; free() */
};

/* Reads a paletted PNG as indices into its palette (not as colours), and an 8-bit grey one as its values.  Errors as
 * for picture_read(); -EBADMSG also for other kinds of PNG. */
int picture_read_png_indexed(const char *path, struct picture_indexed *ret, char *why, size_t why_size);

/* 8-bit RGBA (alpha is dropped).  Written to a temporary name and renamed, so that nobody sees an incomplete file.
 * -EINVAL: a side is 0 or larger than 16384; -ENOMEM; otherwise the errno of the file. */
int picture_write_png(const char *path, uint32_t width, uint32_t height, const uint8_t *rgba);

/* The same for a file that is already open.  It stays open; after an error it may be incomplete. */
int picture_write_png_fd(int fd, uint32_t width, uint32_t height, const uint8_t *rgba);

/* One byte per pixel, an index into `palette` (3 bytes per colour, at most 256 colours).  Errors as for
 * picture_write_png(); -EINVAL also for an index beyond the palette. */
int picture_write_png_indexed(const char *path, uint32_t width, uint32_t height, const uint8_t *index,
                              const uint8_t *palette, unsigned colors);
