#include "daemon/pipeline/effects/effect.h"

#define EFFECT(name) extern const struct effect effect_##name;
#include "daemon/pipeline/effects/list.h"
#undef EFFECT

const struct effect_type_words effect_types[EFFECT_TYPES] = {[EFFECT_NUMBER] = {"number", "d"}};

const struct effect *const effects[EFFECTS] = {
#define EFFECT(name) &effect_##name,
#include "daemon/pipeline/effects/list.h"
#undef EFFECT
};
