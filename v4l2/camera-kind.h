/* What every kind of camera shares.  Each embeds `struct camera` as its first member. */
#pragma once

#include "v4l2/camera.h"

struct camera_ops {
        void (*close)(struct camera *camera); /* frees a camera that has been stopped */
        int (*start)(struct camera *camera);
        void (*stop)(struct camera *camera);
        int (*next)(struct camera *camera, struct frame *ret);
        int (*release)(struct camera *camera, const struct frame *frame);
};

struct camera {
        const struct camera_ops *ops;
        struct frame_format format;
        struct frame_rate rate;
        struct camera_counters counters;
        char name[256], id[256];
        int fd;
        struct frame_memory *memory; /* as camera_memory() returns it */
        uint8_t *into;               /* where next() decodes a frame to: a buffer of the caller, of format.size bytes */
        bool streaming;
        unsigned out; /* frames */
};

int capture_open(const char *path, const struct camera_wish *wish, struct camera **ret, char *why, size_t why_size);
int still_open(const char *path, bool moving, const struct camera_wish *wish, struct camera **ret, char *why,
               size_t why_size);
int y4m_open(const char *path, bool once, struct camera **ret, char *why, size_t why_size);
