/* The label sets of face parsing, and the mappings between them. */
#pragma once

#include "model/model.h"

struct label_set {
        unsigned classes;
        const char *name[MODEL_CLASSES_MAX];
};

/* The label set of data sets with 11 classes (Helen, LaPa), 19 (CelebAMask-HQ), or 20 (these 19 and bare skin of
 * the body); NULL for any other number. */
const struct label_set *label_set_known(unsigned classes);

/* The names still belong to the model. */
struct label_set label_set_of(const struct model_info *model);
bool label_set_equal(const struct label_set *a, const struct label_set *b);

/* For confusion_merge(): maps each class of a known set to one of another; classes that the other lacks are background.
 * The 11 classes label what is behind eyeglasses and have no class for them, so the caller chooses what to map them
 * to. */
void label_set_among(const struct label_set *set, const struct label_set *other, int eyeglasses,
                     int ret[MODEL_CLASSES_MAX]);

/* For confusion_merge() as well: maps brows, eyes, nose and mouth of the 11 classes to 1 and the others to 0.  The F1
 * of that is Helen's "overall". */
extern const int label_set_helen_overall[11];
