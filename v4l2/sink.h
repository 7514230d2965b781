/* The virtual camera: a v4l2loopback node that this program feeds, or a file in place of one.
 *
 *   /dev/video10   a v4l2loopback node, fed by MMAP and STREAMON if the driver allows it, and otherwise by write().
 *                  With write() and exclusive_caps=1, a node of 0.12.7 loses its capabilities when another program
 *                  queries them.
 *   y4m:FILE       a YUV4MPEG2 file; "-" is standard output
 *   png:PATTERN    numbered pictures; PATTERN contains one %d, %04d, ...
 *
 * The format stays the same from sink_open() to sink_close(), whatever happens to the camera, because readers cannot
 * cope with a change of size.  Not thread-safe.  After sink_open() nothing allocates except to count readers and to
 * compress pictures, which a thread does, one at a time.  Nothing blocks except writing to a regular y4m file, and
 * sink_flush() and sink_close(), which wait for a picture that is being written. */
#pragma once

#include "v4l2/frame.h"

struct sink;

/* What an output's name says about it before it is open. */
struct sink_kind {
        bool reopens; /* a device: it may appear later, disappear and return.  Otherwise a failure to open is final */
        bool steady;  /* watched live: wants a frame at every interval, even if it repeats the last one */
        bool placeholders; /* wants the placeholder too.  Otherwise a run that ends by itself leaves it out */
};
struct sink_kind sink_kind(const char *spec);

/* In `format`, fourcc, width and height are wishes (YU12, NV12 or YUYV; 0: the sink's own choice); the colour fields
 * are binding.  A `rate` that is not frame_rate_sane() becomes 30.  Errors and `why` as for camera_open(); -EBUSY:
 * another program feeds the node; -ENODEV: not an output node. */
int sink_open(const char *spec, const struct frame_format *format, struct frame_rate rate, struct sink **ret, char *why,
              size_t why_size);
void sink_close(struct sink *sink); /* NULL is fine; sink_flush() comes first where its errors matter */

/* The fourcc, width, height and colour that readers of a node get at the moment.  Only ask a node that visaged feeds:
 * with v4l2loopback 0.12, the question disturbs other producers.  A negative errno from the kernel. */
int sink_ask(const char *node, struct frame_format *ret);

/* The format that readers see.  Constant from sink_open() to sink_close(). */
const struct frame_format *sink_format(const struct sink *sink);

/* Whether browsers accept a virtual camera of this size.  libwebrtc, which Firefox and others use, only tries certain
 * sizes; the usual ones are 640x480, 1280x720 and 1920x1080. */
bool sink_size_accepted(uint32_t width, uint32_t height);

/* Shows `frame`, of which it copies sink_format()->size bytes.  `time_ns`: CLOCK_MONOTONIC, must not go back.
 *   -EAGAIN  there is no free buffer, the reader of a pipe does not read, or the previous frame is still being written:
 *            this one is dropped
 *   -ENODEV  the node, or the reader of a pipe, is gone: close it
 *   else     the errno of writing this frame, or for png: the previous one */
int sink_show(struct sink *sink, const uint8_t *frame, uint64_t time_ns);

/* A descriptor that becomes readable (POLLIN) when sink_dispatch() has something to do; can be added to an epoll set.
 * -1: never.  It may appear with sink_dispatch(), and then stays the same until sink_close(). */
int sink_fd(const struct sink *sink);

/* Handles what has happened since: a pipe can take more of a frame, a picture has been written, the readers have
 * changed.  Does not block.  Errors as for sink_show(), except -EAGAIN. */
int sink_dispatch(struct sink *sink);

/* Waits until the frames that were taken are written.  Errors as for sink_show(); -EAGAIN: the reader of a pipe has
 * read nothing for a second. */
int sink_flush(struct sink *sink);

/* How many programs read the output, as of the last sink_dispatch().  A file always has one reader.  v4l2loopback
 * reports the number itself since 0.13 (programs that stream; since 0.14 at most one).  With 0.12 it is the number of
 * programs that have had the node open for 0.2 s.  Negative errno: they cannot be counted at the moment; each
 * sink_dispatch() tries again. */
int sink_readers(const struct sink *sink);
