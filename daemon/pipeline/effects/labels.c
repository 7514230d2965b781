#include <string.h>

#include "daemon/pipeline/effects/effect.h"

static void fill(const struct effect_context *context, const double *options, void *block)
{
        memcpy(block, context->colors, 256 * 4);
}

static void record(struct gpu_program *program, const struct effect_io *io)
{
        op_paint(program, io->in, io->labels, &io->block, io->out);
}

const struct effect effect_labels = {
        .name = "labels",
        .help = "the classes' colours alone",
        .details = "The background is black, unless the model has another colour for it.",
        .block_size = 256 * 4,
        .fill = fill,
        .record = record,
};
