#include <string.h>

#include "daemon/evaluation/label-set.h"

static const struct label_set eleven = {
        11,
        {"background", "skin", "left brow", "right brow", "left eye", "right eye", "nose", "upper lip", "inner mouth",
         "lower lip", "hair"},
};

#define NINETEEN                                                                                                       \
        "background", "skin", "nose", "eyeglasses", "left eye", "right eye", "left brow", "right brow", "left ear",    \
                "right ear", "mouth", "upper lip", "lower lip", "hair", "hat", "earring", "necklace", "neck", "cloth"

static const struct label_set nineteen = {19, {NINETEEN}};
static const struct label_set twenty = {20, {NINETEEN, "body"}};
static const struct label_set *const known[] = {&eleven, &nineteen, &twenty};

const int label_set_helen_overall[11] = {0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0};

const struct label_set *label_set_known(unsigned classes)
{
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
                if (known[i]->classes == classes)
                        return known[i];
        return NULL;
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

static int index_among(const char *name, const struct label_set *set)
{
        if (set == &eleven && strcmp(name, "mouth") == 0)
                name = "inner mouth";
        for (unsigned i = 0; i < set->classes; i++)
                if (strcmp(name, set->name[i]) == 0)
                        return (int)i;
        return 0;
}

void label_set_among(const struct label_set *set, const struct label_set *other, int eyeglasses,
                     int ret[MODEL_CLASSES_MAX])
{
        for (unsigned i = 0; i < set->classes; i++)
                ret[i] = other == &eleven && strcmp(set->name[i], "eyeglasses") == 0 ? eyeglasses
                                                                                     : index_among(set->name[i], other);
}
