/* The colours of a model's classes, as op_paint() takes them. */
#pragma once

#include "model/model.h"

#define PALETTE_SIZE 1024 /* 256 RGBA colours */

/* A class's colour is opaque; what is no class's is transparent. */
void palette_fill(const struct model_info *model, uint8_t ret[PALETTE_SIZE]);

/* The same, to be laid over a picture as the effect overlay does by default. */
void palette_fill_overlay(const struct model_info *model, uint8_t ret[PALETTE_SIZE]);

/* Counts the classes of a label map; what is none of them is not counted. */
void palette_count(const uint8_t *labels, size_t size, uint64_t ret[MODEL_CLASSES_MAX]);
