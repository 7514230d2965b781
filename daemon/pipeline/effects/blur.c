#include "daemon/pipeline/effects/effect.h"

enum { STRENGTH };

#define STRENGTH_MOST 4
#define UNITS 40 /* of the picture's height, so that the blur looks the same at every size */

static void fill(const struct effect_context *context, const double *options, void *block)
{
        *(struct gpu_blur *)block = gpu_blur_make(options[STRENGTH] * context->height / UNITS, context->labels_old);
}

static void record(struct gpu_program *program, const struct effect_io *io)
{
        op_blur_background(program, io->in, io->labels, &io->block, (float)STRENGTH_MOST * io->in->height / UNITS,
                           io->scratch, io->out);
}

const struct effect effect_blur = {
        .name = "blur",
        .help = "the picture, its background blurred",
        .details =
                "Only the background's own colours are mixed, so that no halo of the person leaks into it. The whole "
                "picture is blurred while the labels are older than *label-age* in *visaged.conf*(5).",
        .hides = true,
        .options = {[STRENGTH] = {"strength", EFFECT_NUMBER, 0.25, STRENGTH_MOST, 1,
                                  "fortieths of the picture's height",
                                  "the strength of the blur, as the sigma of a Gaussian"}},
        .block_size = sizeof(struct gpu_blur),
        .fill = fill,
        .record = record,
};
