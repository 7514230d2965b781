#include "daemon/pipeline/effects/frame.h"

static void fill(const struct effect_context *context, const double *options, void *block)
{
        const float rows[2][3] = {{-1, 0, context->width}, {0, 1, 0}};

        *(struct gpu_region *)block = gpu_region_make(rows);
}

static void record(struct gpu_program *program, const struct effect_io *io)
{
        op_warp(program, io->in, &io->block, io->out);
}

const struct effect effect_mirror = {
        .name = "mirror",
        .help = "the picture flipped left to right",
        .details = "Behind other effects, what they have made is flipped.",
        .block_size = sizeof(struct gpu_region),
        .fill = fill,
        .record = record,
};
