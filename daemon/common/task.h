/* A function on a thread of its own, for operations that may block, such as opening and closing cameras and GPUs.  A
 * descriptor tells the event loop when it has returned. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct task {
        void (*run)(void *userdata);
        void *userdata;
        pthread_t thread;
        int fd; /* readable once run() has returned; -1: no task */
        bool running;
};

#define TASK_NONE ((struct task){.fd = -1})

/* `task` must not move until task_finish().  The thread blocks all signals.  Negative errno. */
int task_begin(struct task *task, void (*run)(void *userdata), void *userdata);
/* Waits for run() to return; its results can be read then.  Fine if there is no task. */
void task_finish(struct task *task);
