/* A function on a thread of its own, for what may block: opening a camera, a GPU, closing either.  The event loop is told
 * by a descriptor when it has returned. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct task {
        void (*run)(void *userdata);
        void *userdata;
        pthread_t thread;
        int fd; /* readable when run() has returned; -1: no task */
        bool running;
};

#define TASK_NONE ((struct task){.fd = -1})

/* Keep `task` where it is until task_finish().  Signals stay with the other threads. */
int task_begin(struct task *task, void (*run)(void *userdata), void *userdata);
/* Waits for run() to return; what it wrote can be read then.  Fine where nothing was begun. */
void task_finish(struct task *task);
