/* The colours of a model's classes, as op_paint() takes them. */
#pragma once

#include "model/model.h"

#define PALETTE_SIZE 1024   /* 256 RGBA colours */
#define PALETTE_OPACITY 0.5 /* of an overlay, where nobody says */

enum palette_kind {
        PALETTE_OVERLAY, /* the class's colour over the picture; the background (class 0) is left as it is */
        PALETTE_LABELS,  /* nothing of the picture */
};

/* `opacity`, 0..1, is the overlay's.  Colours past the last class stay transparent. */
void palette_fill(const struct model_info *model, enum palette_kind kind, double opacity, uint8_t ret[PALETTE_SIZE]);

/* Counts the classes of a label map; what is none of them is not counted. */
void palette_count(const uint8_t *labels, size_t size, uint64_t ret[MODEL_CLASSES_MAX]);
