/* How often each class of the truth was taken for which: the arithmetic of evaluation. */
#pragma once

#include <stddef.h>

#include "model/model.h"

#define CONFUSION_IGNORE 255 /* truth that nobody knows */
#define CONFUSION_DROP -1

struct confusion {
        unsigned truths, predictions; /* classes down and across */
        uint64_t count[MODEL_CLASSES_MAX][MODEL_CLASSES_MAX];
};

/* `truth` is below confusion->truths or CONFUSION_IGNORE, `predicted` below confusion->predictions, everywhere. */
void confusion_add(struct confusion *confusion, const uint8_t *truth, const uint8_t *predicted, size_t pixels);

/* Merges classes: those of the truth by `truths`, where CONFUSION_DROP leaves one's pixels out, those of the
 * predictions by `predictions`, into `classes` of both. */
void confusion_merge(const struct confusion *confusion, const int *truths, const int *predictions, unsigned classes,
                     struct confusion *ret);

/* The rest is of matrices with the same classes down and across. */

struct confusion_score {
        uint64_t truth, predicted; /* pixels */
        double f1, iou;            /* NAN: there are none of either */
};

struct confusion_score confusion_score(const struct confusion *confusion, unsigned class);

/* Means over the classes that have a value, NAN where none has. */
double confusion_mean_f1(const struct confusion *confusion); /* without the background, class 0 */
double confusion_mean_iou(const struct confusion *confusion);
