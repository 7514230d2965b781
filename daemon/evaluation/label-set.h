/* The label sets of face parsing, and what they have in common. */
#pragma once

#include "model/model.h"

struct label_set {
        unsigned classes;
        const char *name[MODEL_CLASSES_MAX];
};

/* That of the data sets: 11 classes (Helen, LaPa), 19 (CelebAMask-HQ), or 20 (these and the rest of a body); NULL for
 * any other number. */
const struct label_set *label_set_known(unsigned classes);

/* The names stay the model's. */
struct label_set label_set_of(const struct model_info *model);
bool label_set_equal(const struct label_set *a, const struct label_set *b);

/* For confusion_merge(): what each class of a known set is in another: what that has no name for is background.  The 11
 * name what is behind eyeglasses, so that these are no class there: what they are is the caller's choice. */
void label_set_among(const struct label_set *set, const struct label_set *other, int eyeglasses,
                     int ret[MODEL_CLASSES_MAX]);

/* For the same: the 11 as 0 and, for brows, eyes, nose and mouth in one, 1.  The F1 of that is Helen's "overall". */
extern const int label_set_helen_overall[11];
