#include <string.h>

#include "daemon/pipeline/effects/frame.h"
#include "daemon/pipeline/effects/settings.h"
#include "daemon/pipeline/palette.h"

void palette_fill(const struct model_info *model, uint8_t ret[GPU_PALETTE_SIZE])
{
        memset(ret, 0, GPU_PALETTE_SIZE);
        for (uint32_t i = 0; i < model->classes && i < MODEL_CLASSES_MAX; i++) {
                memcpy(ret + i * 4, model->class[i].color, 3);
                ret[i * 4 + 3] = 255;
        }
}

void palette_fill_overlay(const struct model_info *model, uint8_t ret[GPU_PALETTE_SIZE])
{
        struct effect_settings settings;
        uint8_t colors[GPU_PALETTE_SIZE];

        palette_fill(model, colors);
        effect_settings_reset(&settings, UINT32_C(1) << EFFECT_overlay);
        effects[EFFECT_overlay]->fill(&(struct effect_context){.colors = colors}, settings.options[EFFECT_overlay],
                                      ret);
}

void palette_count(const uint8_t *labels, size_t size, uint64_t ret[MODEL_CLASSES_MAX])
{
        uint64_t counts[256] = {0};

        for (size_t i = 0; i < size; i++)
                counts[labels[i]]++;
        memcpy(ret, counts, MODEL_CLASSES_MAX * sizeof *ret);
}
