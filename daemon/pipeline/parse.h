/* The parser at work on one picture: a copy of a frame's, so that the frame's slot is free for the next one meanwhile.
 * The labels belong to the newest parsed picture. */
#pragma once

#include "daemon/pipeline/engine.h"

/* Which frame an image or labels belong to. */
struct frame_id {
        unsigned source;  /* counts cameras, from 1 on; 0: no frame */
        uint64_t number;  /* counts frames, over all cameras */
        uint64_t time_ns; /* of capture */
};

struct parse {
        struct gpu_image image;
        struct gpu_buffer *view;    /* a struct gpu_view: what the network sees of the image */
        struct gpu_answers answers; /* of the network's input size */
        struct gpu_answers map;     /* of the picture, all views together */
        struct gpu_answers before;  /* the map as it was when this parse began */
        struct gpu_labels labels;   /* of the map */
        struct gpu_mask mask;
        struct gpu_buffer *labels_read, *answers_read; /* the same for the host */
        struct gpu_program *program;                   /* in the background */

        bool running;
        struct frame_id taken, labelled; /* the image; the labels */
        uint64_t since, duration_ns;     /* when it began; how long the last one took */
};

/* `width` and `height` are the picture's.  Negative errno; then call parse_finish() too. */
int parse_init(struct parse *parse, const struct engine *engine, uint32_t width, uint32_t height);
void parse_finish(struct parse *parse);
