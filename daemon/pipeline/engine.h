/* What both programs need before the first picture: a GPU that computes correctly, a model, and a parser for both. */
#pragma once

#include <limits.h>

#include "model/parser.h"

struct engine_options {
        const char *gpu, *model; /* "" or NULL: the best, the default */
        enum gpu_backend backend;
        enum gpu_dtype precision;
        /* Reports what was done and how long it took.  May be NULL. */
        void (*progress)(void *userdata, const char *what, double seconds);
        /* Whether the model will do, asked before the GPU is opened; an error ends engine_open().  May be NULL. */
        int (*accept)(void *userdata, const struct model_info *model, char *why, size_t why_size);
        void *userdata;
};

struct engine {
        struct gpu *gpu;
        struct parser *parser;
        struct model_info model;
        char model_path[PATH_MAX];
        enum gpu_dtype precision;
};

/* On failure nothing is left open, and `why` gets one line for the user. */
int engine_open(struct engine *engine, const struct engine_options *options, char *why, size_t why_size);
void engine_close(struct engine *engine); /* a zeroed one is fine; programs and buffers must be freed */
