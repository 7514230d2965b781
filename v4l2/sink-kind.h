/* What every kind of sink shares.  Each embeds `struct sink` as its first member. */
#pragma once

#include "v4l2/sink.h"

/* An output whose peer negotiates the format and owns the buffers fits in: show() takes frames of `format` from the
 * start and copies them to a buffer of the peer's, -EAGAIN if there is none; until both have agreed there are no
 * readers, and dispatch() does the negotiation.  NULL where a member says so. */
struct sink_ops {
        void (*close)(struct sink *sink);
        int (*show)(struct sink *sink, const uint8_t *frame, uint64_t time_ns);
        int (*fd)(const struct sink *sink); /* NULL, and then `dispatch` too: nothing is ever waited for */
        int (*dispatch)(struct sink *sink);
        int (*readers)(const struct sink *sink); /* NULL: always one */
        int (*flush)(struct sink *sink);         /* NULL: what show() took is shown */
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

/* files/file-format.c: completes the wish of a file sink, which takes YU12 whatever the wish: 640x480 where it says
 * nothing, even sides. */
int sink_file_format(const struct frame_format *wish, struct frame_format *ret);
