/* The supervisor as the bus sees it: its state, and the commands it accepts.  service/ fills this in, so that nothing
 * here depends on it. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/common/config.h"
#include "daemon/common/interface.h"
#include "daemon/faces/faces.h"

#define CONTROL_LINE_MAX 4096 /* PIPE_BUF: such a line goes into a pipe whole or not at all */
#define CONTROL_NAME_MAX 64   /* of a class, in ASCII */

struct supervisor; /* service/'s own */

/* A snapshot of the state.  Its pointers are valid until the next command or event. */
struct control_view {
        enum state state;
        char reason[512];             /* in one line for the user */
        const struct config *config;  /* the current one */
        const char *configured_model; /* from the files and the command line */
        bool paused, stopped;         /* by a client */
        bool camera_closed;
        bool live; /* frames are shown, not the placeholder */
        const struct face *faces;
        size_t face_count;
        const char (*class_names)[CONTROL_NAME_MAX]; /* of `areas` */
        uint32_t classes;
        unsigned readers;    /* of the virtual camera */
        const char *missing; /* why there has never been a virtual camera; NULL: there is or was one */
        /* Of the GPU and the model. */
        const char *gpu, *model; /* those in use; NULL: none */
        bool opening;            /* others are being opened to replace them */
        bool switching;          /* `opening`, or the previous ones are being closed */
        int opened;              /* the result of the last opening, and the reason */
        const char *opened_why;
};

struct control_figures {
        double frame_rate, parse_rate, latency_ms; /* 0 while frames are not shown */
        uint64_t counters[COUNTERS];
};

/* Results of a request for a GPU or a model; otherwise 0 or a negative errno. */
enum {
        CONTROL_LATER = 1,     /* it is being opened: the view has the result */
        CONTROL_BUSY = -EBUSY, /* something else is being opened */
        CONTROL_NO_OUTPUT = -ENXIO,
};

struct control {
        void (*look)(const struct supervisor *supervisor, struct control_view *ret);
        void (*figures)(const struct supervisor *supervisor, struct control_figures *ret);
        /* The line with which a subscription begins, without its last brace; returns its length. */
        size_t (*first_line)(char ret[CONTROL_LINE_MAX]);
        /* Call this after a command, and when a client starts or stops holding the camera. */
        void (*update)(struct supervisor *supervisor);

        void (*stop)(struct supervisor *supervisor, bool yes);
        void (*pause)(struct supervisor *supervisor, bool yes);
        int (*set_effect)(struct supervisor *supervisor, const struct effect_settings *settings);
        void (*set_mode)(struct supervisor *supervisor, enum mode mode);
        void (*set_camera)(struct supervisor *supervisor, const char *spec);
        /* While stopped it returns 0, because nothing is opened before the next start. */
        int (*set_engine)(struct supervisor *supervisor, const struct config *wish);

        /* Read the current configuration from the files and the command line, and apply it. */
        int (*read_config)(const struct supervisor *supervisor, struct config *ret, config_complaint complain,
                           void *userdata);
        int (*take_config)(struct supervisor *supervisor, const struct config *config);

        /* The newest frame that is shown, to be free()d.  -EAGAIN: none is.  Any thread can write it as a PNG. */
        int (*take_frame)(const struct supervisor *supervisor, void **ret);
        int (*write_frame)(const void *frame, int fd);
};
