#include "daemon/pipeline/effects/frame.h"

enum { STRENGTH };

#define STRENGTH_LEAST 0.25

/* The unit is a fortieth of the picture's height, so that the blur looks equally strong at every size. */
static float sigma_of(double strength, uint32_t height)
{
        return (float)(strength * height / 40);
}

static void fill(const struct effect_context *context, const double *options, void *block)
{
        *(struct gpu_blur *)block = gpu_blur_make(sigma_of(options[STRENGTH], context->height));
}

static uint64_t scratch_size(uint32_t width, uint32_t height)
{
        return gpu_blur_scratch_size(width, height, sigma_of(STRENGTH_LEAST, height));
}

static void record(struct gpu_program *program, const struct effect_io *io)
{
        op_blur_background(program, io->in, io->mask, &io->block, sigma_of(STRENGTH_LEAST, io->in->height), io->scratch,
                           io->out);
}

const struct effect effect_blur = {
        .name = "blur",
        .help = "the picture, its background blurred",
        .details =
                "Only the background's own colours are mixed, so that no halo of the person leaks into it. Edges are "
                "soft and lie where the picture's are; where hair lets the background through, the background is "
                "replaced by the blurred one. The whole picture is blurred where nobody is seen. Frames wait for "
                "labels that are no older than *label-age* in *visaged.conf*(5).",
        .hides = true,
        .soft = true,
        .options = {[STRENGTH] = {"strength", EFFECT_NUMBER, STRENGTH_LEAST, 4, 1, "fortieths of the picture's height",
                                  "the strength of the blur, as the sigma of a Gaussian"}},
        .block_size = sizeof(struct gpu_blur),
        .fill = fill,
        .scratch_size = scratch_size,
        .record = record,
};
