/* The supervisor as the bus sees it: how things are, and what may be asked of it.  It is service/ that fills this in, so that
 * nothing here needs it. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/common/config.h"
#include "daemon/common/interface.h"

struct supervisor; /* service/'s own */

/* How things are.  What is pointed to may be another after the next command or event. */
struct control_view {
        enum state state;
        char reason[512];             /* in a line for a person */
        const struct config *config;  /* as it is now */
        const char *configured_model; /* as the files and the command line have it */
        bool paused, stopped;         /* by a client */
        bool camera_closed;
        bool live;           /* frames are shown, not the placeholder */
        bool face;           /* there is one in them */
        unsigned readers;    /* of the virtual camera */
        const char *missing; /* why there is no virtual camera, and never was one; NULL: there is or was */
        /* Of the GPU and the model. */
        const char *gpu, *model; /* that are in use; NULL: none are */
        bool opening;            /* others are being opened, to take their place */
        bool switching;          /* that, or what was there before is being closed */
        int opened;              /* how the last opening went, and why */
        const char *opened_why;
};

struct control_figures {
        double frame_rate, parse_rate, latency_ms; /* 0 while frames are not shown */
        uint64_t counters[COUNTERS];
};

/* What a GPU or a model that is asked for comes to; else 0 or a negative errno. */
enum {
        CONTROL_LATER = 1,     /* it is being opened: the view tells */
        CONTROL_BUSY = -EBUSY, /* something else is */
        CONTROL_NO_OUTPUT = -ENXIO,
};

struct control {
        void (*look)(const struct supervisor *supervisor, struct control_view *ret);
        void (*figures)(const struct supervisor *supervisor, struct control_figures *ret);
        /* After a command, and when the bus's own part in it has changed: a client holds the camera, or does not any more. */
        void (*update)(struct supervisor *supervisor);

        void (*stop)(struct supervisor *supervisor, bool yes);
        void (*pause)(struct supervisor *supervisor, bool yes);
        int (*set_look)(struct supervisor *supervisor, const struct look *look);
        void (*set_mode)(struct supervisor *supervisor, enum mode mode);
        void (*set_camera)(struct supervisor *supervisor, const char *spec);
        /* While stopped, 0: that is left to the start. */
        int (*set_engine)(struct supervisor *supervisor, const struct config *wish);

        /* The configuration as it is now in the files and by the command line, and its use. */
        int (*read_config)(const struct supervisor *supervisor, struct config *ret, config_complaint complain,
                           void *userdata);
        int (*take_config)(struct supervisor *supervisor, const struct config *config);

        /* The newest frame that is shown: free().  -EAGAIN: none is.  It is written as a PNG by any thread. */
        int (*take_frame)(const struct supervisor *supervisor, void **ret);
        int (*write_frame)(const void *frame, int fd);
};
