/* DML-CSR as a table. */
#pragma once

#include "model/graph.h"

/* `precision` is that of the convolutional trunk; products of maps with maps, and the logits, are always F32. */
int network_new(const struct model_info *info, enum gpu_dtype precision, struct graph **ret);
