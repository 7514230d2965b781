/* A play: the whole life of an engine and its pipeline, as in the daemon.  It opens both, shows frames of a camera,
 * switches to another camera in the middle of a frame, tunes, makes a snapshot, and closes both while a frame is in
 * progress. */
#pragma once

#include "daemon/common/task.h"
#include "daemon/pipeline/pipeline.h"

enum {
        PLAY_SHOWN = 4,              /* frames, when nothing fails */
        PLAY_VARIANTS = 4 * EFFECTS, /* back-ends, modes and effects; the first one includes the self-test */
};

/* What the daemon does on a thread. */
struct startup {
        struct engine_options engine_options;
        struct pipeline_options pipeline_options;
        struct engine engine;
        struct pipeline *pipeline;
        int result;
        char why[600];
        struct task task;
};

struct play {
        unsigned variant; /* below PLAY_VARIANTS */

        struct startup startup;
        struct stats stats;
        struct pipeline *pipeline;
        const char *act;
        unsigned shown, told; /* frames; failures */
        int error;            /* the one that was reported */
        bool owed;            /* a failure that must be reported */
        bool other_way; /* a camera's memory was not imported as it should be, but frames are shown all the same */
        unsigned read;  /* frames in that memory */
        bool hit;       /* a call failed before the last act, in which nobody handles failures any more */
};

/* Returns 0, or the error of the act that failed.  Everything is closed again. */
int play_run(struct play *play, unsigned variant);

/* Its parts. */
int play_open(struct play *play); /* `variant` is set, all else is zero */
/* A camera whose frames are copied, or in memory that can be imported in this way. */
int play_camera(struct play *play, uint32_t fourcc);
int play_camera_in_place(struct play *play, uint32_t fourcc, enum gpu_import how);
int play_push(struct play *play);
int play_until_idle(struct play *play); /* until everything that was pushed is shown, or failed */
int play_snapshot(struct play *play);
void play_close(struct play *play);

/* Once, before any play: makes the memory of cameras. */
void play_prepare(void);
unsigned play_memory_owners(void); /* apart from the cameras */

enum gpu_backend play_backend(unsigned variant); /* the faster one */
