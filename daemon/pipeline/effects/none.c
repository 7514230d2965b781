#include "daemon/pipeline/effects/effect.h"

const struct effect effect_none = {
        .name = "none",
        .help = "the picture as it is",
        .details = "It, too, is shown only once a frame has been parsed.",
};
