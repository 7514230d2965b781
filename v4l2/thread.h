/* A thread that leaves all signals to the main thread. */
#pragma once

#include <pthread.h>

/* Returns 0, or a negative errno if there is no thread.  The caller must pthread_join() it. */
int thread_start(pthread_t *ret, void *(*run)(void *userdata), void *userdata);
