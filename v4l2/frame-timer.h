/* The clock of a file that stands in for a camera: a timerfd at the frame rate. */
#pragma once

#include "v4l2/frame.h"

/* 1 frame in 100 s up to 1000 a second; what a camera or a file may claim. */
bool frame_rate_sane(struct frame_rate rate);

/* Returns a file descriptor, not yet running. */
int frame_timer_open(void);
int frame_timer_start(int fd, struct frame_rate rate);
void frame_timer_stop(int fd);

/* Frames due since the last call; 0: none yet. */
uint64_t frame_timer_take(int fd);
/* When the last frame was due, on CLOCK_MONOTONIC: the time of its capture, however late it is read. */
uint64_t frame_timer_last(int fd);

/* CLOCK_MONOTONIC. */
uint64_t monotonic_now(void);
