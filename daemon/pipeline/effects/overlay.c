#include <string.h>

#include "daemon/pipeline/effects/frame.h"

enum { OPACITY };

/* Class 0, the background, stays as it is. */
static void fill(const struct effect_context *context, const double *options, void *block)
{
        uint8_t *palette = block;

        memcpy(palette, context->colors, GPU_PALETTE_SIZE);
        for (int i = 0; i < 256; i++)
                palette[i * 4 + 3] = i == 0 ? 0 : palette[i * 4 + 3] * options[OPACITY] + 0.5;
}

static void record(struct gpu_program *program, const struct effect_io *io)
{
        op_paint(program, io->in, io->labels, &io->block, io->out);
}

const struct effect effect_overlay = {
        .name = "overlay",
        .help = "the picture, each class tinted with its colour",
        .details = "The background is left as it is.",
        .options = {[OPACITY] = {"opacity", EFFECT_NUMBER, 0, 1, 0.5, "", "the opacity of the colours"}},
        .block_size = GPU_PALETTE_SIZE,
        .fill = fill,
        .record = record,
};
