/* The reference of the self-test: small networks whose weights are made from the names of their tensors, a picture, and
 * their output for it as computed by PyTorch (tests/model/answer.py). */
#pragma once

#include "model/graph.h"

#define ANSWER_COUNT 2
#define ANSWER_POINTS 80

struct answer {
        struct model_info info;
        float peak; /* the largest magnitude of all logits */
        float points[ANSWER_POINTS];
};

/* One for each family of encoders.  The first has layers that are wide enough for the algorithms of wide layers.  The
 * second has depthwise convolutions of each kernel and stride, and dilated ones. */
extern const struct answer answers[ANSWER_COUNT];

/* A parser_weights function; `context` is the network's struct model_info. */
int answer_tensor(const void *context, const struct graph_tensor *tensor, float **ret);

/* RGBA of the network's input size: 4 * width * height bytes. */
void answer_picture(const struct model_info *info, uint8_t *ret);

/* The index of point `n` in the logits at input size, [class][y][x]. */
size_t answer_index(const struct model_info *info, unsigned n);
