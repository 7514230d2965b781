/* The virtual camera: a v4l2loopback node that this program feeds, or a file that stands in for one.
 *
 *   /dev/video10        a v4l2loopback node, fed by MMAP + STREAMON where the driver allows it and by write() where
 * not: with write() and exclusive_caps=1, 0.12.7 loses its capabilities when anyone else asks for them y4m:FILE a
 * YUV4MPEG2 file, "-" is standard output png:PATTERN         numbered pictures, PATTERN holding one %d, %04d, ...
 *
 * One format from sink_open() to sink_close(), whatever happens on the camera's side: a new size under a reader kills
 * it. Not thread-safe; nothing blocks and nothing allocates after sink_open() but for the files' own writing. */
#pragma once

#include "v4l2/frame.h"

struct sink;

struct sink_counters {
        uint64_t shown;   /* frames handed to the driver or written to the file */
        uint64_t dropped; /* no buffer was free: the reader is slow */
};

/* `format`: fourcc, width and height are wishes (YU12, NV12 or YUYV; 0: the sink's own choice), colour is a statement.
 * Errors and `why` as for camera_open(); -EBUSY: another program feeds the node; -ENODEV: not an output node. */
int sink_open(const char *spec, const struct frame_format *format, struct frame_rate rate, struct sink **ret, char *why,
              size_t why_size);
void sink_close(struct sink *sink); /* NULL is fine */

/* What readers of a node are told now: fourcc, size and colour.  Only of a node that this program feeds, since v4l2loopback 0.12
 * lets another's producer come to harm.  The kernel's errno. */
int sink_ask(const char *node, struct frame_format *ret);

/* What readers see.  Constant from sink_open() to sink_close(). */
const struct frame_format *sink_format(const struct sink *sink);
const struct sink_counters *sink_counters(const struct sink *sink);

/* Whether browsers take a virtual camera of this size: libwebrtc, which Firefox and others use, looks for some sizes
 * only, of which 640x480, 1280x720 and 1920x1080 are the usual ones. */
bool sink_size_accepted(uint32_t width, uint32_t height);

/* Shows `frame` (sink_format()->size bytes, copied).  `time_ns`: CLOCK_MONOTONIC, must not go back.
 * -EAGAIN: no buffer free, or what reads a pipe takes nothing: the frame is dropped and counted; -ENODEV: the node is
 * gone, close it. */
int sink_show(struct sink *sink, const uint8_t *frame, uint64_t time_ns);

/* Becomes readable (POLLIN) when sink_readers() may have changed; may be put into an epoll set.  -1 where that never
 * happens: a file, or a node whose readers nobody can count. */
int sink_readers_fd(const struct sink *sink);

/* How many programs read the virtual camera; takes what is to be read from the descriptor.  A file always has one, and
 * so has a node whose readers nobody can count.  v4l2loopback since 0.13 says it itself (those that stream; since 0.14
 * there is one at most); with 0.12 it is the programs that have had the node open for 0.2 s.  Does not block. */
unsigned sink_readers(struct sink *sink);
