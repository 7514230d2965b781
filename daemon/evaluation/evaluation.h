/* What `visagectl eval` adds up over pictures, and how it tells the sum. */
#pragma once

#include "daemon/common/stats.h"
#include "daemon/evaluation/confusion.h"
#include "daemon/evaluation/label-set.h"
#include "daemon/pipeline/engine.h"

struct evaluation {
        struct label_set truth, predicted;
        bool known; /* both are sets of face parsing: the 11 classes can be told from them */
        struct confusion confusion;
        struct stats_times parse; /* one a picture */
};

/* `classes`: of the known set that the truth is in; 0: the truth is in the model's classes.  -EINVAL and `why`: these
 * cannot be compared. */
int evaluation_init(struct evaluation *evaluation, const struct model_info *model, unsigned classes, char *why,
                    size_t why_size);

/* On stdout; `matrix`: the confusion matrix as well. */
void evaluation_print_table(const struct evaluation *evaluation, const struct engine *engine, bool matrix);
void evaluation_print_json(const struct evaluation *evaluation, const struct engine *engine, bool matrix);
