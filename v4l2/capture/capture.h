/* A V4L2 capture node: shared by opening it (capture.c) and streaming from it (stream.c). */
#pragma once

#include "v4l2/camera-kind.h"
#include "v4l2/video-io.h"

struct jpeg;

struct capture {
        struct camera base;
        const struct video_io *io;
        struct frame_memory *memory; /* all buffers, mapped; NULL: there are none yet */
        bool granted;                /* the driver has allocated some */
        bool shared;                 /* whoever sends the frames writes to buffers whenever they like */
        struct jpeg *jpeg;           /* NULL: frames are passed on unchanged */
        uint8_t *compressed;
        uint32_t driver_sequence, seen; /* the driver's last number; frames since the start, up to 2 */
        uint32_t sequence;              /* ours */
        uint64_t time_ns;               /* of the last frame */
        bool tells_changes;             /* the driver sends V4L2_EVENT_SOURCE_CHANGE */
        bool changed;                   /* it has sent one: frames may not have the size of base.format */
};

/* stream.c: as in struct camera_ops */
int capture_start(struct camera *camera);
void capture_stop(struct camera *camera);
int capture_next(struct camera *camera, struct frame *ret);
int capture_release(struct camera *camera, const struct frame *frame);
