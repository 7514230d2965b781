/* The confusion matrix: how often each true class was predicted as which.  The arithmetic of evaluation. */
#pragma once

#include <stddef.h>

#include "model/model.h"

#define CONFUSION_IGNORE 255 /* unknown truth */
#define CONFUSION_DROP -1

struct confusion {
        unsigned truths, predictions; /* classes down and across */
        uint64_t count[MODEL_CLASSES_MAX][MODEL_CLASSES_MAX];
};

/* All of `truth` is below confusion->truths or CONFUSION_IGNORE, all of `predicted` below confusion->predictions. */
void confusion_add(struct confusion *confusion, const uint8_t *truth, const uint8_t *predicted, size_t pixels);

/* Merges classes into `classes` of both truth and predictions.  `truths` maps those of the truth, where CONFUSION_DROP
 * leaves out the pixels of a class; `predictions` maps those of the predictions. */
void confusion_merge(const struct confusion *confusion, const int *truths, const int *predictions, unsigned classes,
                     struct confusion *ret);

/* The rest is for matrices with the same classes down and across. */

struct confusion_score {
        uint64_t truth, predicted; /* pixels */
        double f1, iou;            /* NAN: both are 0 */
};

struct confusion_score confusion_score(const struct confusion *confusion, unsigned class);

/* Means over the classes that have a value; NAN if none has. */
double confusion_mean_f1(const struct confusion *confusion); /* without the background, class 0 */
double confusion_mean_iou(const struct confusion *confusion);
