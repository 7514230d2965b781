/* The placeholder, drawn on a thread: a large picture and a font take longer than a frame. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "daemon/common/task.h"
#include "daemon/service/placeholder.h"

struct placeholder_task {
        sd_event *event;
        sd_event_source *done;
        struct task task;
        struct frame_format format;
        struct placeholder *placeholder; /* the task's while it runs */
        uint8_t *bytes;                  /* a copy of the newest finished one */
        bool drawn;                      /* there is one */
        char wanted[64], drawing[64];    /* captions */
        int result;
};

/* `t`: zeros.  -ENOTSUP: frames of this format cannot be made; -ENOMEM. */
int placeholder_task_init(struct placeholder_task *t, sd_event *event, const struct frame_format *format);
void placeholder_task_finish(struct placeholder_task *t); /* waits for the thread; fine without init */

/* Sets the text, as placeholder_say() does.  The picture is drawn later. */
void placeholder_task_say(struct placeholder_task *t, const char *caption);
void placeholder_task_wait(struct placeholder_task *t); /* until the picture has its text */

/* NULL: nothing has been drawn yet. */
const uint8_t *placeholder_task_bytes(const struct placeholder_task *t);
