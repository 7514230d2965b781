/* A thread that leaves all signals to the main thread. */
#pragma once

#include <pthread.h>

/* Negative errno: there is none. */
int thread_start(pthread_t *ret, void *(*run)(void *userdata), void *userdata);
