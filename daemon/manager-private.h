/* Private to manager*.c. */
#pragma once

#include <stdarg.h>
#include <systemd/sd-event.h>

#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/pipeline.h"
#include "daemon/startup.h"
#include "v4l2/camera.h"
#include "v4l2/sink.h"

struct manager {
        const struct options *options;
        sd_event *event;
        int status; /* of the process, when the loop ends */
        uint64_t began;
        struct stats stats;

        struct sink *sink;
        uint8_t *placeholder;
        uint64_t interval;   /* microseconds from frame to frame */
        uint64_t shown_time; /* given to the last frame */
        sd_event_source *placeholder_timer;
        bool showing_placeholder;

        struct startup startup;
        sd_event_source *starting;
        struct pipeline *pipeline;
        sd_event_source *gpu_events;
        bool gpu_failed; /* and it has been said */

        struct camera *camera; /* NULL: there is none */
        sd_event_source *camera_events, *camera_timer;
        struct log_cause camera_cause;
        bool ending; /* the camera's file is played: stop when the frame under way is shown */
};

void manager_stop(struct manager *m, int status); /* ends the loop; the worst status counts */
void manager_status(struct manager *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void manager_show_placeholder(struct manager *m, bool yes);

/* manager-camera.c */
int manager_camera_prepare(struct manager *m);
void manager_camera_open(struct manager *m);   /* or tries again later */
void manager_camera_wanted(struct manager *m); /* the pipeline takes a frame */
void manager_camera_close(struct manager *m);
void manager_camera_finish(struct manager *m);
