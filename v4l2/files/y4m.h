/* YUV4MPEG2: the text around raw frames. */
#pragma once

#include "v4l2/frame.h"

#define Y4M_HEADER_MAX 1024 /* longer ones are refused: it is a line of about a dozen words */

struct y4m_header {
        struct frame_format format; /* packed */
        struct frame_rate rate;
        size_t length; /* bytes up to the first frame's own header */
};

/* `data`: the beginning of a file.  -EBADMSG: malformed; *ret_reason says what is wrong in a few words. */
int y4m_parse(const uint8_t *data, size_t size, struct y4m_header *ret, const char **ret_reason);

/* The line before each frame.  -EBADMSG: there is none. */
int y4m_parse_frame(const uint8_t *data, size_t size, size_t *ret_length);

/* Writes a file's header.  Returns its length, or 0 if the format has no name in YUV4MPEG2 or `size` is too small. */
size_t y4m_print(const struct frame_format *format, struct frame_rate rate, char *text, size_t size);
