#include <string.h>

#include "daemon/label-set.h"

static const struct label_set eleven = {
        11,
        {"background", "skin", "left brow", "right brow", "left eye", "right eye", "nose", "upper lip", "inner mouth",
         "lower lip", "hair"},
};

static const struct label_set nineteen = {
        19,
        {"background", "skin", "nose", "eyeglasses", "left eye", "right eye", "left brow", "right brow", "left ear",
         "right ear", "mouth", "upper lip", "lower lip", "hair", "hat", "earring", "necklace", "neck", "cloth"},
};

const int label_set_helen_overall[11] = {0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0};

const struct label_set *label_set_known(unsigned classes)
{
        return classes == eleven.classes ? &eleven : classes == nineteen.classes ? &nineteen : NULL;
}

struct label_set label_set_of(const struct model_info *model)
{
        struct label_set set = {.classes = model->classes};

        for (unsigned i = 0; i < model->classes; i++)
                set.name[i] = model->class[i].name;
        return set;
}

bool label_set_equal(const struct label_set *a, const struct label_set *b)
{
        if (a->classes != b->classes)
                return false;
        for (unsigned i = 0; i < a->classes; i++)
                if (strcmp(a->name[i], b->name[i]) != 0)
                        return false;
        return true;
}

/* What the 11 have no name for is background. */
static int index_among_11(const char *name)
{
        if (strcmp(name, "mouth") == 0)
                name = "inner mouth";
        for (unsigned i = 0; i < eleven.classes; i++)
                if (strcmp(name, eleven.name[i]) == 0)
                        return (int)i;
        return 0;
}

void label_set_to_11(const struct label_set *set, int eyeglasses, int ret[MODEL_CLASSES_MAX])
{
        for (unsigned i = 0; i < set->classes; i++)
                ret[i] = strcmp(set->name[i], "eyeglasses") == 0 ? eyeglasses : index_among_11(set->name[i]);
}
