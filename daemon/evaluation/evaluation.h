/* The totals that `visagectl eval` accumulates over pictures, and their output. */
#pragma once

#include "daemon/common/stats.h"
#include "daemon/evaluation/confusion.h"
#include "daemon/evaluation/label-set.h"
#include "daemon/pipeline/engine.h"

struct evaluation {
        struct label_set truth, predicted;
        bool known; /* both are known label sets, which can be mapped to the 11 classes */
        struct confusion confusion;
        struct stats_times parse; /* one per picture */
};

/* `classes`: the number of classes of the known set that the truth uses; 0: the truth uses the model's classes.
 * Names still belong to the model.  -EINVAL and `why`: these sets cannot be compared. */
int evaluation_init(struct evaluation *evaluation, const struct model_info *model, unsigned classes, char *why,
                    size_t why_size);

/* On stdout; `matrix`: including the confusion matrix. */
void evaluation_print_table(const struct evaluation *evaluation, const struct engine *engine, bool matrix);
void evaluation_print_json(const struct evaluation *evaluation, const struct engine *engine, bool matrix);
