#include <string.h>

#include "daemon/pipeline/effects/frame.h"

static void fill(const struct effect_context *context, const double *options, void *block)
{
        memcpy(block, context->colors, GPU_PALETTE_SIZE);
}

static void record(struct gpu_program *program, const struct effect_io *io)
{
        op_paint(program, io->in, io->labels, &io->block, io->out);
}

const struct effect effect_labels = {
        .name = "labels",
        .help = "the classes' colours alone",
        .details = "The background is black, unless the model has another colour for it.",
        .block_size = GPU_PALETTE_SIZE,
        .fill = fill,
        .record = record,
};
