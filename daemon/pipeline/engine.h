/* What both programs need: a GPU that computes correctly, a model, and a parser for both. */
#pragma once

#include <limits.h>

#include "daemon/common/config.h"
#include "model/parser.h"

struct engine_options {
        const char *gpu, *model; /* "" or NULL: the best, the default */
        enum gpu_backend backend;
        enum precision precision;
        uint32_t width, height; /* of the pictures if they are all the same; else 0, with engine_fit() for each */
        /* Reports what was done and how long it took.  May be NULL. */
        void (*progress)(void *userdata, const char *what, double seconds);
        /* Called before the GPU is opened, to check the model; an error ends engine_open().  May be NULL. */
        int (*accept)(void *userdata, const struct model_info *model, char *why, size_t why_size);
        void *userdata;
};

struct engine {
        struct gpu *gpu;
        struct parser *parser;
        struct model *weights;
        struct model_info model; /* with the input's size in use */
        char model_path[PATH_MAX];
        enum precision precision;
};

/* On failure nothing is left open, and `why` gets one line for the user. */
int engine_open(struct engine *engine, const struct engine_options *options, char *why, size_t why_size);
/* Recreates the parser if a picture of this size is better parsed with another input shape.  Free the programs that the
 * old one was recorded into first.  On failure there is no parser. */
int engine_fit(struct engine *engine, uint32_t width, uint32_t height, char *why, size_t why_size);
/* Whether, when it was opened, no layer had to be measured any more. */
bool engine_is_tuned(const struct engine *engine);
/* Measures which algorithms are the fastest for this model on this GPU, where that has not been done, and keeps the
 * result for whoever opens them next.  Opens the GPU a second time, so that one in use keeps working.
 * Returns how many layers will be computed in another way, or an error with `why`.  -ECANCELED: `tuning` stopped it. */
int engine_tune(const struct engine_options *options, const struct gpu_tuning *tuning, char *why, size_t why_size);
void engine_close(struct engine *engine); /* a zeroed one is fine; programs and buffers must be freed */
