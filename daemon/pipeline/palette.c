#include <string.h>

#include "daemon/pipeline/palette.h"

void palette_fill(const struct model_info *model, enum palette_kind kind, double opacity, uint8_t ret[PALETTE_SIZE])
{
        memset(ret, 0, PALETTE_SIZE);
        for (uint32_t i = 0; i < model->classes && i < MODEL_CLASSES_MAX; i++) {
                memcpy(ret + i * 4, model->class[i].color, 3);
                ret[i * 4 + 3] = kind == PALETTE_LABELS ? 255 : i == 0 ? 0 : 255 * opacity + 0.5;
        }
}

void palette_count(const uint8_t *labels, size_t size, uint64_t ret[MODEL_CLASSES_MAX])
{
        uint64_t counts[256] = {0};

        for (size_t i = 0; i < size; i++)
                counts[labels[i]]++;
        memcpy(ret, counts, MODEL_CLASSES_MAX * sizeof *ret);
}
