/* What every kind of sink shares.  Each embeds `struct sink` as its first member. */
#pragma once

#include "v4l2/sink.h"

/* An output whose peer negotiates the format and owns the buffers also fits this interface.  From the start, show()
 * takes frames of `format` and copies each to a buffer of the peer, or returns -EAGAIN if there is none.  dispatch()
 * negotiates, and there are no readers until that is done.  Members that may be NULL say so. */
struct sink_ops {
        void (*close)(struct sink *sink);
        int (*show)(struct sink *sink, const uint8_t *frame, uint64_t time_ns);
        int (*fd)(const struct sink *sink); /* NULL, and then `dispatch` too: it never waits for anything */
        int (*dispatch)(struct sink *sink);
        int (*readers)(const struct sink *sink); /* NULL: always one */
        int (*flush)(struct sink *sink);         /* NULL: show() has nothing left to do */
};

struct sink {
        const struct sink_ops *ops;
        struct frame_format format;
};

int loopback_open(const char *path, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                  char *why, size_t why_size);
int y4m_sink_open(const char *path, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                  char *why, size_t why_size);
int png_sink_open(const char *pattern, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                  char *why, size_t why_size);

/* files/file-format.c: the format of a file sink for a wish.  It is always YU12; the default size is 640x480, and odd
 * sides are rounded down.  -EINVAL as for frame_format_pack(). */
int sink_file_format(const struct frame_format *wish, struct frame_format *ret);
