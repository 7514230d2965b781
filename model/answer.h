/* A small network with weights made from its tensors' names, a picture, and what it answers to it, as PyTorch computes
 * it (tests/model/answer.py): what the self-test holds a device against. */
#pragma once

#include "model/graph.h"

#define ANSWER_POINTS 80

/* Wide enough where it matters to reach the algorithms that wide layers get. */
extern const struct model_info answer_info;

/* A parser_weights function; `context` is not used. */
int answer_tensor(const void *context, const struct graph_tensor *tensor, float **ret);

/* RGBA of the network's input size: 4 * width * height bytes. */
void answer_picture(uint8_t *ret);

/* Where point `n` lies in the logits at input size, [class][y][x], and what is there. */
size_t answer_index(unsigned n);
extern const float answer_points[ANSWER_POINTS];

#define ANSWER_PEAK 4.46f /* the largest magnitude of all logits */
