/* Small networks with weights made from their tensors' names, a picture, and what they answer to it, as PyTorch
 * computes it (tests/model/answer.py): what the self-test holds a device against. */
#pragma once

#include "model/graph.h"

#define ANSWER_COUNT 2
#define ANSWER_POINTS 80

struct answer {
        struct model_info info;
        float peak; /* the largest magnitude of all logits */
        float points[ANSWER_POINTS];
};

/* One of each family of encoders.  The first is wide enough where it matters to reach the algorithms that wide layers
 * get; the second has depthwise convolutions of each kernel and stride, and dilated ones. */
extern const struct answer answers[ANSWER_COUNT];

/* A parser_weights function; `context` is the network's struct model_info. */
int answer_tensor(const void *context, const struct graph_tensor *tensor, float **ret);

/* RGBA of the network's input size: 4 * width * height bytes. */
void answer_picture(const struct model_info *info, uint8_t *ret);

/* Where point `n` lies in the logits at input size, [class][y][x]. */
size_t answer_index(const struct model_info *info, unsigned n);
