/* Private to service/: the daemon's three parts, each a state machine with one function per transition.
 *
 *   output    WAITING -> OPEN -> ENDED                     output.c, and outputs.c for all of them
 *   gpu       CLOSED -> OPENING -> READY -> LOST           gpu.c
 *   camera    CLOSED -> OPENING -> STARTING -> STREAMING -> CLOSING -> WAITING    camera.c
 *
 * A transition ends with sv->update(), which looks at all three and starts what is now possible: the GPU needs the
 * output's format; the camera needs both, and somebody who watches.  Calls go from gpu to camera to results and playout
 * to outputs to output.  The other direction is update(). */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <systemd/sd-event.h>

#include "daemon/bus/control.h"
#include "daemon/common/log.h"
#include "daemon/common/options.h"
#include "daemon/common/task.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/service/backoff.h"
#include "daemon/service/delay.h"
#include "daemon/service/placeholder-task.h"
#include "daemon/service/sleep-watch.h"
#include "v4l2/camera.h"
#include "v4l2/sink.h"

enum output_state {
        OUTPUT_WAITING, /* for the next attempt */
        OUTPUT_OPEN,
        OUTPUT_ENDED, /* for good: the reader of the pipe has left */
};

/* One of the outputs.  Only its sink knows what it is; `kind` has the differences. */
struct output {
        struct supervisor *sv;
        const char *name; /* in the configuration */
        struct sink_kind kind;
        enum output_state state;
        struct sink *sink;          /* while OPEN; also while WAITING, if it cannot be reopened but may continue */
        bool fresh;                 /* the newest frame has not been shown here yet */
        uint64_t shown, shown_time; /* when a frame was last shown, and with which time */
        uint64_t renewed;           /* when a new frame was last shown */
        uint64_t served;            /* when it last got a frame or its timer fired */
        uint64_t taken;             /* when it last accepted a frame, or was opened */
        int readers;                /* negative errno: they cannot be counted */
        sd_event_source *timer, *retry, *events;
        struct backoff backoff;
        struct log_cause cause;
};

/* What all outputs have in common. */
struct output_part {
        struct output list[CONFIG_OUTPUTS_MAX];
        unsigned count;
        struct frame_format format;          /* the current or last one; width 0: none was ever open */
        struct placeholder_task placeholder; /* in that format */
        uint8_t *frame;                      /* the newest composed one, copied */
        uint64_t frame_time;                 /* of its capture */
        bool counted;                        /* in the statistics: it has been shown somewhere */
        bool live;                           /* `frame` is shown, not the placeholder */
        uint64_t interval;                   /* from frame to frame, ns */
        bool watched;                        /* somebody reads, or has until a moment ago */
        sd_event_source *linger;
};

/* At 30 frames a second, a quarter of a second.  Only after a standstill would frames that are parsed so fast be kept
 * for longer. */
enum { PLAYOUT_MOST = 8 };

/* Frames that are not due yet. */
struct playout_part {
        struct delay delay;
        struct frame_format format;      /* of the frames */
        uint8_t *frames;                 /* places for PLAYOUT_MOST, used in turns; NULL: none waits */
        uint64_t captured[PLAYOUT_MOST]; /* when */
        unsigned first, count;           /* those taken */
        sd_event_source *timer;
};

enum gpu_state {
        GPU_CLOSED,
        GPU_OPENING, /* on a thread; no GPU meanwhile */
        GPU_READY,   /* a thread may be opening its replacement */
        GPU_LOST,    /* for a moment, because its own callback must not close it */
};

struct gpu_set {
        struct engine engine;
        struct pipeline *pipeline;  /* NULL: nothing is open */
        struct frame_format format; /* of the output that it is for */
        struct frame_format source; /* of the camera's frames that it is prepared for; width 0: none */
        pthread_mutex_t lock; /* of `pipeline` and `source`, between the threads that open and close this and cameras */
};

struct gpu_part {
        enum gpu_state state;
        uint64_t since;                      /* of the state */
        unsigned losses;                     /* in a row */
        bool was_lost;                       /* at least once: its driver may hang when the process exits */
        struct gpu_set sets[2], *now, *next; /* `next` is the task's while that runs; a pipeline points into its set */
        struct task task;
        uint64_t task_since;
        bool switching;             /* the task opens the replacement of `now`, or closes what was replaced */
        struct config wish;         /* what it opens */
        struct frame_format source; /* for this camera's frames */
        struct config worked;       /* the last one that was opened; valid if `works` */
        bool works;
        sd_event_source *done, *events, *lost;
        int result; /* of the last opening */
        char why[600];
        struct log_cause cause;
};

/* What measures the GPU in the background: tuning.c. */
struct tuning_part {
        struct task task;
        atomic_bool stop;
        bool tried;           /* with `config`: once is enough, whatever the result */
        struct config config; /* what the task tunes, or last tuned */
        struct frame_format format;
        enum gpu_backend backend;
        uint64_t parsed; /* frames, when the timer was set */
        sd_event_source *timer, *done;
        int result; /* of engine_tune() */
        char why[600];
};

enum camera_state {
        CAMERA_CLOSED,
        CAMERA_OPENING,  /* on a thread */
        CAMERA_STARTING, /* waiting for its first frame */
        CAMERA_STREAMING,
        CAMERA_CLOSING, /* on a thread */
        CAMERA_WAITING, /* for the next attempt */
};

struct camera_part {
        enum camera_state state;
        uint64_t since;
        struct camera *camera; /* STARTING, STREAMING; the task's while it opens or closes */
        struct frame frame;    /* that the pipeline reads in the camera's memory, if it `keeps` one */
        bool keeps;
        char id[256];        /* of the camera that was last open: its number may change when it is replugged */
        char spec[PATH_MAX]; /* what is being opened */
        struct camera_wish wish;
        struct gpu_set *set;        /* for which it is being opened */
        struct frame_format format; /* of the camera that was last open */
        int error;                  /* why there is none; 0: nothing is wrong */
        bool lost;                  /* it sent pictures before its last failure */
        bool stale;                 /* what is being opened is no longer wanted */
        struct task task;
        sd_event_source *done, *frames, *stall, *retry, *plugged;
        int result;
        char why[512];
        struct backoff backoff;
        struct log_cause cause;
};

struct results {
        char names[MODEL_CLASSES_MAX][CONTROL_NAME_MAX]; /* of the classes, fit for JSON */
        uint32_t classes;
        uint64_t sequence;            /* of parsed frames */
        struct face faces[FACES_MAX]; /* that are there */
        size_t face_count;
};

struct bus;

struct supervisor {
        void (*update)(struct supervisor *sv);           /* after every transition */
        void (*stop)(struct supervisor *sv, int status); /* ends the loop; the worst status counts */
        const struct options *options;
        struct config config;            /* as it is now: clients of the bus change it */
        char configured_model[PATH_MAX]; /* as the files and the command line have it */
        sd_event *event;
        int status; /* of the process, when the loop ends */
        uint64_t began;
        struct stats stats;
        struct output_part output;
        struct playout_part playout;
        struct gpu_part gpu;
        struct tuning_part tuning;
        struct camera_part camera;
        bool stopping;
        bool paused, stopped; /* by a client of the bus */
        bool ending;          /* the camera's file has been played: stop when all its frames have been shown */
        char said[600];       /* the last status */
        struct bus *bus;      /* NULL: there is none */
        struct results results;
        sd_event_source *watchdog, *sleep_timer;
        uint64_t watchdog_interval;
        struct sleep_watch sleep;
};

/* state.c: the state of the daemon, with the reason in one line for the user; and the text of the placeholder. */
enum state supervisor_state(const struct supervisor *sv, char *reason, size_t size);
const char *supervisor_caption(const struct supervisor *sv);

/* control.c: what clients may do */
extern const struct control supervisor_control;
bool supervisor_was_paused(void); /* before a crash */

/* output.c: one of the outputs */
/* Whether the run ends by itself: with --frames, or at the end of a file that is played once. */
bool supervisor_is_finite(const struct supervisor *sv);
int supervisor_output_init(struct supervisor *sv, struct output *out, const char *name);
int supervisor_output_open(struct output *out);      /* or tries again later; an error is final */
void supervisor_output_offer(struct output *out);    /* the newest frame: shown at once, or when it is due */
void supervisor_output_withdraw(struct output *out); /* the placeholder takes its place */
/* At the end: leaves the placeholder as the last frame that readers see, and writes what is left. */
void supervisor_output_leave(struct output *out);
void supervisor_output_finish(struct output *out);
const struct output *supervisor_output_first(const struct supervisor *sv); /* the first open one; NULL: none is */

/* outputs.c: all of them */
int supervisor_outputs_prepare(struct supervisor *sv);
int supervisor_outputs_open(struct supervisor *sv);
void supervisor_outputs_update(struct supervisor *sv); /* readers may have come or gone */
unsigned supervisor_outputs_readers(const struct supervisor *sv);
const char *supervisor_outputs_trouble(const struct supervisor *sv);                /* why none is open */
void supervisor_outputs_names(const struct supervisor *sv, char *ret, size_t size); /* those that are open */
/* Copies a new frame and shows it.  True: it is the first one after the placeholder. */
bool supervisor_outputs_compose(struct supervisor *sv, const uint8_t *frame, uint64_t time_ns);
void supervisor_outputs_placeholder(struct supervisor *sv); /* shows it from now on */
void supervisor_outputs_say(struct supervisor *sv, const char *caption);
void supervisor_outputs_leave(struct supervisor *sv);
void supervisor_outputs_finish(struct supervisor *sv);

/* playout.c: when each frame is shown */
int supervisor_playout_prepare(struct supervisor *sv);
void supervisor_playout_follow(struct supervisor *sv); /* the mode or the outputs' format may have changed */
/* A frame has been composed: copies it. */
void supervisor_playout_take(struct supervisor *sv, const uint8_t *frame, uint64_t captured);
bool supervisor_playout_is_empty(const struct supervisor *sv);
void supervisor_playout_flush(struct supervisor *sv); /* shows all that wait now */
void supervisor_playout_drop(struct supervisor *sv);  /* shows none of them, and the next is the first of its camera */
void supervisor_playout_finish(struct supervisor *sv);

/* gpu.c */
int supervisor_gpu_prepare(struct supervisor *sv);
void supervisor_gpu_update(struct supervisor *sv);
void supervisor_gpu_follow(struct supervisor *sv); /* reopens it if the output's format has changed */
/* Opens another GPU or model.  Once that is open, it replaces the current one, and sv->config is updated.  -EBUSY:
 * something is being opened. */
int supervisor_gpu_switch(struct supervisor *sv, const struct config *wish);
/* How long a task may take, in ns, before it is considered to hang. */
uint64_t supervisor_gpu_patience(const struct supervisor *sv);
bool supervisor_gpu_is_switching(const struct supervisor *sv); /* sv->gpu.wish is being opened for that */
bool supervisor_gpu_finish(struct supervisor *sv); /* false: it is still opening, which cannot be cancelled */

/* tuning.c */
int supervisor_tuning_prepare(struct supervisor *sv);
void supervisor_tuning_update(struct supervisor *sv);
bool supervisor_tuning_finish(struct supervisor *sv); /* false: its thread is still running */

/* results.c: the results of each parsed frame */
void supervisor_results_prepare(struct supervisor *sv); /* after a change of the model */
void supervisor_results_take(struct supervisor *sv, const struct pipeline_results *parsed);
void supervisor_results_end(struct supervisor *sv); /* this camera sends no more frames */

/* camera-trouble.c: what errors mean */
const char *supervisor_camera_error(int error);
const char *supervisor_camera_caption(const struct supervisor *sv); /* what is wrong with it, in a few words */
/* Whether there is no point in trying again until one is plugged in. */
bool supervisor_camera_awaits_plug(const struct supervisor *sv);
/* Whether a failure is final.  A camera may still be plugged in, but a finite run would wait forever for a file that
 * cannot be opened. */
bool supervisor_camera_is_hopeless(const struct supervisor *sv);
/* Reports at the start, before anything is written, that the file of such a run cannot be opened. */
int supervisor_camera_check(struct supervisor *sv);

/* camera-open.c */
void supervisor_camera_plan(struct supervisor *sv); /* what the thread will open: `spec`, `wish`, `set` */
void supervisor_camera_open(void *userdata);        /* on the thread: sets `camera` or `why`, and `result` */

/* camera.c */
int supervisor_camera_prepare(struct supervisor *sv);
void supervisor_camera_update(struct supervisor *sv);
bool supervisor_camera_wanted(const struct supervisor *sv);
void supervisor_camera_listen(struct supervisor *sv);                   /* the pipeline can take a frame */
void supervisor_camera_take_back(struct supervisor *sv);                /* the pipeline has read the one it kept */
void supervisor_camera_reopen(struct supervisor *sv);                   /* it may have stopped working */
void supervisor_camera_choose(struct supervisor *sv, const char *spec); /* another one, from now on */
void supervisor_camera_attach(struct supervisor *sv);                   /* to another pipeline */
void supervisor_camera_close(struct supervisor *sv);                    /* at the end: waits until it is closed */
void supervisor_camera_finish(struct supervisor *sv);
