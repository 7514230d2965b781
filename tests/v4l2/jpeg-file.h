/* JPEG files as cameras make them, and 33 ways to break one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jpeg_file {
        uint8_t *data; /* the caller's to free() */
        size_t size;
};

/* Coloured enough that a wrong chroma sample shows, noisy enough that the coded data are long. */
struct jpeg_file jpeg_file_make(int width, int height, int subsampling, int flags);

/* Where a marker begins; the segment's length is in the two bytes after it. */
size_t jpeg_file_find(const struct jpeg_file *file, uint8_t marker);

void jpeg_file_insert(struct jpeg_file *file, size_t at, const void *data,
                      size_t length); /* at most 2000 bytes in all */

/* Leaves the first `count` segments of a marker out. */
void jpeg_file_cut_segments(struct jpeg_file *file, uint8_t marker, int count);
/* Leaves the usual Huffman tables out, as Motion JPEG does. */
void jpeg_file_strip(struct jpeg_file *file);

/* Each must be refused by a decoder. */
#define JPEG_FILE_BREAKS 33
void jpeg_file_break(struct jpeg_file *file, int kind);
