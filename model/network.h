/* The network of a model file as a graph: either family of encoders, with the head of DML-CSR. */
#pragma once

#include "model/graph.h"

/* The caller must graph_free() *ret.  `precision` applies to the convolutional trunk.  Products of maps with maps, and
 * the logits, are always F32. */
int network_new(const struct model_info *info, enum gpu_dtype precision, struct graph **ret);
