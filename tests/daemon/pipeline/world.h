/* A pipeline on a real driver, with a model that gives every pixel the same class, and what it reports. */
#pragma once

#include <linux/videodev2.h>

#include "daemon/pipeline/pipeline.h"
#include "tests/cm.h"

enum { WIDTH = 64, HEIGHT = 48, SIZE = WIDTH * HEIGHT * 3, SHOWN_MOST = 8, LABEL_AGE_MS = 60000 };
#define SECOND UINT64_C(1000000000)

/* For a group of tests. */
int open_engine(void **state);
int close_engine(void **state);
extern struct engine engine;

/* What a pipeline has reported. */
extern struct world {
        struct pipeline *pipeline;
        struct stats stats;
        unsigned shown, parsed, read, failed;
        uint8_t frames[SHOWN_MOST][SIZE];
        uint64_t times[SHOWN_MOST], parsed_time;
} world;

void begin(enum mode mode, struct effect_settings effect);
void end(void);

struct frame_format rgb(uint32_t width, uint32_t height);
struct effect_settings settings(uint32_t chain);
struct effect_settings overlay(double opacity);
struct effect_settings blur(void);

enum { STRIPES = -1 };

/* A frame of one grey, or of STRIPES. */
int push(int grey, uint64_t time_ns);
/* Waits until nothing runs any more, not even a parse. */
void settle(void);
void until_ready(void);

/* The n-th frame that was shown: of one grey, under the class's colour; with stripes. */
void assert_tinted(unsigned n, int grey, double opacity);
void assert_sharp(unsigned n);
