/* An effect that shows the previous frame, to test what becomes of an effect's state.  A fresh one shows white.  It
 * takes the place of mirror, whose file is then not linked. */
#include <string.h>

#include "daemon/pipeline/effects/frame.h"

/* The colours are all opaque white, or transparent. */
static void fill(const struct effect_context *context, const double *options, void *block)
{
        memset(block, context->fresh ? 255 : 0, GPU_PALETTE_SIZE);
}

static uint64_t state_size(uint32_t width, uint32_t height)
{
        return gpu_image_size(width, height);
}

static void record(struct gpu_program *program, const struct effect_io *io)
{
        const struct gpu_image last = {io->state, io->in->width, io->in->height};
        const uint64_t size = gpu_image_size(last.width, last.height);

        op_paint(program, &last, io->labels, &io->block, &last);
        op_copy(program, last.buffer, io->out->buffer, size);
        op_copy(program, io->in->buffer, last.buffer, size);
}

extern const struct effect effect_mirror;

const struct effect effect_mirror = {
        .name = "delay",
        .help = "the picture before",
        .details = "",
        .block_size = GPU_PALETTE_SIZE,
        .fill = fill,
        .state_size = state_size,
        .record = record,
};
