/* The colours of a model's classes, in the form that op_paint() takes. */
#pragma once

#include "model/model.h"
#include "shaders/image.h"

/* The colours of classes are opaque, the others are transparent. */
void palette_fill(const struct model_info *model, uint8_t ret[GPU_PALETTE_SIZE]);

/* The same for painting over a picture, with the default opacity of the effect overlay. */
void palette_fill_overlay(const struct model_info *model, uint8_t ret[GPU_PALETTE_SIZE]);

/* Counts the pixels of each class in a label map; other labels are not counted. */
void palette_count(const uint8_t *labels, size_t size, uint64_t ret[MODEL_CLASSES_MAX]);
