/* What every kind of sink shares.  Each embeds `struct sink` as its first member. */
#pragma once

#include "v4l2/sink.h"

struct sink_ops {
        void (*close)(struct sink *sink);
        int (*show)(struct sink *sink, const uint8_t *frame, uint64_t time_ns);
};

struct sink {
        const struct sink_ops *ops;
        struct frame_format format;
        struct sink_counters counters;
        struct readers *readers; /* NULL: there always is one */
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
