/* A camera: any V4L2 capture node, or a file that stands in for one.
 *
 * What it is called ("spec"):
 *   /dev/video0, /dev/v4l/by-id/usb-...    a V4L2 capture node
 *   usb-...  (no slash)                    the same, looked up in /dev/v4l/by-id
 *   image:FILE                             a PNG or JPEG picture, still
 *   image:FILE?move                        the same, drifting, turning and zooming slowly as before a hand-held lens
 *   y4m:FILE                               a YUV4MPEG2 file, at its own rate, over and over; "y4m:FILE?once" ends with
 * -ENODEV
 *
 * Frames come in one of the formats that frame_format_pack() accepts: the node's own where it has one (YUYV, UYVY,
 * NV12, YU12, RGB3, BGR3, GREY), MJPEG decoded here to 422P, anything else by way of libv4l2's conversion.
 *
 * Nothing here blocks after camera_open(), and nothing allocates after camera_start().  Not thread-safe. */
#pragma once

#include "v4l2/frame.h"

struct camera;

struct camera_wish {
        uint32_t width, height; /* 0: the camera's own choice; the nearest offered is taken */
        struct frame_rate rate; /* 0/x: the camera's own choice */
};

struct camera_counters {
        uint64_t captured; /* frames the driver handed over */
        uint64_t stale;    /* given back unread because a newer one was there */
        uint64_t corrupt;  /* error flag, short, or an undecodable JPEG */
        uint64_t lost;     /* gaps in the driver's sequence numbers */
};

/* Opens and sets the format.  On failure nothing is left open and `why` holds one line for a person, ending with what
 * to do. -ENOENT no such node or file, -EACCES no permission, -EBUSY another program streams, -ENODEV not a capture
 * node, -EBADMSG a file that is not what its name says, -EINVAL a spec that cannot be understood, else the kernel's
 * errno. */
int camera_open(const char *spec, const struct camera_wish *wish, struct camera **ret, char *why, size_t why_size);
void camera_close(struct camera *camera); /* NULL is fine; stops first */

/* Constant from camera_open() to camera_close(). */
const struct frame_format *camera_format(const struct camera *camera);
struct frame_rate camera_rate(const struct camera *camera);
const char *camera_name(const struct camera *camera); /* the card's name, or the file's */
/* Its name under /dev/v4l/by-id, which camera_open() takes too: it finds the camera again after a replug, whatever its
 * number is then.  "" where it has none, as files do. */
const char *camera_id(const struct camera *camera);
const struct camera_counters *camera_counters(const struct camera *camera);

int camera_start(struct camera *camera);
void camera_stop(struct camera *camera);

/* Ready (POLLIN or POLLPRI: ask for both) when camera_next() has something to say. */
int camera_fd(const struct camera *camera);

/* The newest valid frame; older ones and invalid ones are given back to the driver and counted.  At most one frame is
 * out at a time: camera_release() it before the next call. -EAGAIN none yet, -ENODEV the camera is gone (close it),
 * -EIO the stream broke or its format changed (close, open again), or it was never started.  While the descriptor says
 * that there is an error, it is never -EAGAIN. */
int camera_next(struct camera *camera, struct frame *ret);
int camera_release(struct camera *camera, const struct frame *frame);

struct camera_info {
        char node[64]; /* /dev/video0 */
        char id[256];  /* name under /dev/v4l/by-id, or "" */
        char card[32], driver[16], bus[32];
        char formats[96];       /* "YUYV MJPG" */
        uint32_t width, height; /* largest it offers, 0 when it does not say */
};

/* What a node says about itself, which disturbs no camera.  -ENODEV: it gives no pictures; else the kernel's errno. */
int camera_ask(const char *node, char *ret_card, size_t size);

/* The capture nodes of this machine in order of their numbers; *ret is the caller's to free().  Nodes that cannot be
 * opened are listed with an empty card.  Returns their number, or -ENOMEM. */
int camera_list(struct camera_info **ret);
