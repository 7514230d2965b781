/* Private to manager*.c: the daemon's three rooms, each a state machine with one function per transition.
 *
 *   sink      WAITING -> OPEN                              manager-sink.c
 *   gpu       CLOSED -> OPENING -> READY -> LOST           manager-gpu.c
 *   camera    CLOSED -> OPENING -> STARTING -> STREAMING -> CLOSING -> WAITING    manager-camera.c
 *
 * A transition ends with manager_update(), which looks at all three and sets going what now can be: the GPU needs the
 * sink's format, the camera needs both and somebody who watches. */
#pragma once

#include <limits.h>
#include <systemd/sd-event.h>

#include "daemon/common/log.h"
#include "daemon/common/task.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/service/backoff.h"
#include "daemon/service/placeholder.h"
#include "daemon/service/sleep-watch.h"
#include "daemon/service/supervisor.h"
#include "v4l2/camera.h"
#include "v4l2/sink.h"

enum sink_state {
        SINK_WAITING, /* for its next try */
        SINK_OPEN,
};

struct sink_room {
        enum sink_state state;
        struct sink *sink;               /* SINK_OPEN */
        struct frame_format format;      /* that it has or had last; width 0: it never opened */
        struct placeholder *placeholder; /* in that format */
        uint8_t *frame;                  /* the newest composed one, copied */
        uint64_t frame_time;             /* of its capture */
        bool live;                       /* `frame` is shown, not the placeholder */
        bool fresh;                      /* and has not been yet */
        uint64_t interval;               /* from frame to frame, ns */
        uint64_t shown, shown_time;      /* when one was shown last, and with which time */
        uint64_t served;                 /* when it was last seen to be fed: by a frame or by the tick */
        sd_event_source *tick, *retry, *readers, *linger;
        unsigned readers_count;
        bool watched; /* somebody reads, or did until a moment ago */
        struct backoff backoff;
        struct log_cause cause;
};

enum gpu_state {
        GPU_CLOSED,
        GPU_OPENING, /* on a thread; there is none meanwhile */
        GPU_READY,   /* a thread may be opening the one that takes its place */
        GPU_LOST,    /* for a moment: it must not be closed by its own callback */
};

struct gpu_set {
        struct engine engine;
        struct pipeline *pipeline;  /* NULL: nothing is open */
        struct frame_format format; /* of the sink that it is for */
};

struct gpu_room {
        enum gpu_state state;
        uint64_t since;                      /* of the state */
        unsigned losses;                     /* in a row */
        bool was_lost;                       /* once in this process, whose end its driver may hang from then on */
        struct gpu_set sets[2], *now, *next; /* `next` is the task's while that runs; a pipeline points into its set */
        struct task task;
        uint64_t task_since;
        bool switching;       /* the task opens what takes the place of `now`, or closes what was there before */
        struct config wish;   /* what it opens */
        struct config worked; /* the one that was opened last; `works`: there is one */
        bool works;
        sd_event_source *done, *events, *lost;
        int result; /* of the last opening */
        char why[600];
        struct log_cause cause;
};

enum camera_state {
        CAMERA_CLOSED,
        CAMERA_OPENING,  /* on a thread */
        CAMERA_STARTING, /* its first frame is awaited */
        CAMERA_STREAMING,
        CAMERA_CLOSING, /* on a thread */
        CAMERA_WAITING, /* for its next try */
};

struct camera_room {
        enum camera_state state;
        uint64_t since;
        struct camera *camera; /* STARTING, STREAMING; the task's while it opens or closes */
        char id[256];          /* of the one that was open last: after a replug it may have another number */
        char spec[PATH_MAX];   /* what is being opened */
        struct camera_wish wish;
        int error;  /* why there is none; 0: nothing is wrong */
        bool lost;  /* it gave pictures, and has not done so since */
        bool stale; /* what is being opened is not wanted any more */
        struct task task;
        sd_event_source *done, *frames, *stall, *retry;
        int result;
        char why[512];
        struct backoff backoff;
        struct log_cause cause;
};

struct results {
        char names[MODEL_CLASSES_MAX][64]; /* of the classes, as they stand between quotes in JSON */
        uint32_t classes;
        uint64_t skin, features; /* masks of classes: what a face has */
        uint64_t sequence;       /* of parsed frames */
        bool face;               /* there is one in the picture */
        uint64_t differs_since;  /* since when that is not so any more; 0: it is so */
};

struct bus;

struct manager {
        const struct options *options;
        struct config config;            /* as it is now: clients of the bus change it */
        char configured_model[PATH_MAX]; /* as the files and the command line have it */
        sd_event *event;
        int status; /* of the process, when the loop ends */
        uint64_t began;
        struct stats stats;
        struct sink_room sink;
        struct gpu_room gpu;
        struct camera_room camera;
        bool stopping;
        bool paused, stopped; /* by a client of the bus */
        bool ending;          /* the camera's file is played: stop when the frame under way is shown */
        char said[600];       /* the last status */
        struct bus *bus;      /* NULL: there is none */
        struct results results;
        sd_event_source *watchdog, *sleep_timer;
        uint64_t watchdog_interval;
        struct sleep_watch sleep;
};

enum manager_state { /* as the bus tells it; manager_state_names */
                     MANAGER_STARTING,
                     MANAGER_IDLE,
                     MANAGER_STREAMING,
                     MANAGER_WAITING,
                     MANAGER_PAUSED,
                     MANAGER_STOPPED,
};
extern const char *const manager_state_names[];

/* Which state all of it is in, and why, in a line for a person. */
enum manager_state manager_state(const struct manager *m, char *reason, size_t size);

void manager_pause(struct manager *m, bool yes);
/* All but model, GPU and precision, which take their time; says what changes only with a new start. */
void manager_take_config(struct manager *m, const struct config *config);

void manager_update(struct manager *m);           /* after every transition */
void manager_stop(struct manager *m, int status); /* ends the loop; the worst status counts */

/* manager-sink.c */
int manager_sink_prepare(struct manager *m);
int manager_sink_open(struct manager *m); /* or tries again later; an error: there is no sense in that */
/* A new frame, copied; true: frames take the place of the placeholder with it. */
bool manager_sink_compose(struct manager *m, const uint8_t *frame, uint64_t time_ns);
void manager_sink_placeholder(struct manager *m); /* is what is shown from now on */
void manager_sink_say(struct manager *m, const char *caption);
void manager_sink_finish(struct manager *m);

/* manager-gpu.c */
int manager_gpu_prepare(struct manager *m);
void manager_gpu_update(struct manager *m);
void manager_gpu_restart(struct manager *m); /* the sink's format is another */
/* Opens another GPU or model, and uses it in place of the one there is once it is open; m->config follows then.
 * -EBUSY: something is being opened. */
int manager_gpu_switch(struct manager *m, const struct config *wish);
bool manager_gpu_is_switching(const struct manager *m); /* m->gpu.wish is being opened for that */

/* What of a configuration is opened: the GPU, the model, the precision. */
bool manager_gpu_same(const struct config *a, const struct config *b);
void manager_gpu_choose(struct config *to, const struct config *from);
bool manager_gpu_finish(struct manager *m);             /* false: it is still opening, which nothing can hurry */

/* manager-results.c: what is told of each parsed frame */
void manager_results_prepare(struct manager *m); /* the model is another */
void manager_results_take(struct manager *m, const uint8_t *labels, uint64_t time_ns);
void manager_results_end(struct manager *m); /* no more of this camera */

/* manager-camera.c */
int manager_camera_prepare(struct manager *m);
/* A run that ends by itself, by --frames or with a film, wants its frames and nothing else. */
bool manager_is_finite(const struct manager *m);
/* Where such a run's file cannot be opened: says so, before anything is written. */
int manager_camera_check(struct manager *m);
void manager_camera_update(struct manager *m);
bool manager_camera_wanted(const struct manager *m);
void manager_camera_listen(struct manager *m);                   /* the pipeline takes a frame */
void manager_camera_reopen(struct manager *m);                   /* it may not have survived what happened */
void manager_camera_choose(struct manager *m, const char *spec); /* another one, from now on */
void manager_camera_attach(struct manager *m);                   /* to another pipeline */
const char *manager_camera_caption(const struct manager *m);     /* what is wrong with it, in a few words */
void manager_camera_close(struct manager *m);                    /* and waits for it: at the end */
void manager_camera_finish(struct manager *m);
