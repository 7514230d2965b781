/* A camera: any V4L2 capture node, or a file in place of one.
 *
 * A name of a camera ("spec") is one of:
 *   /dev/video0, /dev/v4l/by-id/usb-...    a V4L2 capture node
 *   usb-...  (no slash)                    the same, looked up in /dev/v4l/by-id
 *   image:FILE                             a PNG or JPEG picture, still
 *   image:FILE?move                        the same, slowly drifting, turning and zooming like a hand-held camera
 *   y4m:FILE                               a YUV4MPEG2 file, at its own rate, in a loop
 *   y4m:FILE?once                          the same, played once, then -ENODEV
 *
 * Frames have one of the formats that frame_format_pack() accepts.  Of the formats that a node offers, the one nearest
 * to the wish is used: a raw one as it is, MJPEG decoded to 422P, or as a last resort one that libv4l2 converts.
 *
 * After camera_open() nothing waits for a frame; camera_stop() and camera_close() wait for the end of a conversion.
 * After camera_start() only libraries allocate, on a thread of the camera.  Not thread-safe. */
#pragma once

#include "v4l2/frame.h"
#include "v4l2/memory.h"

struct camera;

struct camera_wish {
        uint32_t width, height; /* 0: the camera's own choice; otherwise the nearest one that it offers */
        struct frame_rate rate; /* 0/x: the camera's own choice */
};

struct camera_counters {
        uint64_t captured; /* frames that the driver delivered */
        uint64_t stale;    /* not used because there was a newer one, or converting them took too long */
        uint64_t corrupt;  /* with the error flag, too short, or an undecodable JPEG */
        uint64_t lost;     /* gaps in the driver's sequence numbers */
};

/* Opens the camera and sets the format.  On failure nothing is left open, and `why` gets one line for the user, which
 * ends with what to do.
 *   -ENOENT   no such node or file
 *   -EACCES   no permission
 *   -EBUSY    another program is streaming
 *   -ENODEV   not a capture node
 *   -EBADMSG  the file is not what its name says
 *   -EINVAL   the spec is malformed
 *   else      the kernel's errno */
int camera_open(const char *spec, const struct camera_wish *wish, struct camera **ret, char *why, size_t why_size);
void camera_close(struct camera *camera); /* NULL is fine; stops first */

/* Constant from camera_open() to camera_close(). */
const struct frame_format *camera_format(const struct camera *camera);
struct frame_rate camera_rate(const struct camera *camera);
const char *camera_name(const struct camera *camera); /* the card's name, or the file's */
/* Its name in /dev/v4l/by-id, which camera_open() takes too.  It finds the camera again after it was replugged, even if
 * its number has changed.  "" if it has none, as for files. */
const char *camera_id(const struct camera *camera);
const struct camera_counters *camera_counters(const struct camera *camera);

/* The memory in which the driver delivers frames; the caller who wants to keep it refers to it.  The driver does not
 * touch the buffer of a frame that is out, and goes on with the others.  NULL: frames are made by this program, are
 * shared with whoever sends them (v4l2loopback), or the driver has so few buffers that it would have to wait: copy each
 * frame and release it at once. */
struct frame_memory *camera_memory(const struct camera *camera);

/* Does nothing if the stream is running.
 *   -EBUSY    another program is streaming
 *   -ENOSPC   not enough USB bandwidth
 *   -ENODEV, -EIO  as for camera_next()
 *   else      the kernel's errno */
int camera_start(struct camera *camera);
void camera_stop(struct camera *camera);

/* Poll for both POLLIN and POLLPRI: ready when camera_next() has something to report. */
int camera_fd(const struct camera *camera);

/* The newest valid frame.  Older and invalid ones are given back to the driver and counted.  Only one frame can be out
 * at a time: camera_release() it before the next call, unless there is camera_memory().
 *   -EAGAIN  none yet; never while the descriptor reports an error
 *   -ENODEV  the camera is gone: close it
 *   -EIO     the stream broke or its format changed (close it and open it again), or it has not been started */
int camera_next(struct camera *camera, struct frame *ret);
/* Errors as for camera_next(), except -EAGAIN. */
int camera_release(struct camera *camera, const struct frame *frame);

struct camera_info {
        char node[64]; /* /dev/video0 */
        char id[256];  /* name in /dev/v4l/by-id, or "" */
        char card[32], driver[16], bus[32];
        char formats[96];       /* "YUYV MJPG" */
        uint32_t width, height; /* the largest that it offers; 0: it does not say */
};

/* Asks a node for its name, without disturbing the camera.  -ENODEV: it delivers no pictures; else the kernel's
 * errno. */
int camera_ask(const char *node, char *ret_card, size_t size);

/* The capture nodes of this machine, in the order of their numbers.  The caller must free() *ret.  Nodes that cannot be
 * opened are listed with an empty card.  Returns how many there are, or a negative errno. */
int camera_list(struct camera_info **ret);

/* A descriptor that becomes readable when something happens in /dev, or a negative errno.  The caller must close() it.
 * Then camera_watch_heard() tells, without blocking, whether a video node appeared or changed its permissions. */
int camera_watch(void);
bool camera_watch_heard(int fd);
