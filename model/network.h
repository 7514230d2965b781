/* DML-CSR as a graph. */
#pragma once

#include "model/graph.h"

/* `precision` applies to the convolutional trunk.  Products of maps with maps, and the logits, are always F32. */
int network_new(const struct model_info *info, enum gpu_dtype precision, struct graph **ret);
