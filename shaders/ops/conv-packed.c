/* Direct convolution for GPUs that compute with halves, in pairs, with tiles as those of conv-tiled.c.  Input and
 * weights are halves; products beyond what a half holds become infinite. */
#include "shaders/glsl/conv_packed.kernel.h"
#include "shaders/glsl/conv_packed_small.kernel.h"
#include "shaders/ops/conv.h"

static const struct conv_kernel packed_kernel = {
        .kernel = &kernel_conv_packed,
        .channels = CONV_TILE(CONV_TILED_SIDE),
        .pixels = CONV_TILE(CONV_TILED_SIDE),
};

static const struct conv_kernel small_kernel = {
        .kernel = &kernel_conv_packed_small,
        .channels = CONV_TILE(CONV_TILED_SMALL_SIDE),
        .pixels = CONV_TILE(CONV_TILED_SMALL_SIDE),
};

static bool fits_small(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return caps->float16 && conv->dtype == GPU_F16 && conv_tiled_small.fits(caps, conv);
}

static bool fits(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return fits_small(caps, conv) && conv_tiled.fits(caps, conv);
}

static bool pays(const struct gpu_conv *conv)
{
        return conv_tiled.pays(conv);
}

static int record(struct gpu_program *program, const struct op_conv *op)
{
        return conv_direct_record(program, &packed_kernel, op);
}

static int record_small(struct gpu_program *program, const struct op_conv *op)
{
        return conv_direct_record(program, &small_kernel, op);
}

const struct conv_algorithm conv_tiled_packed = {
        .name = "tiled-packed",
        .backend = GPU_BACKEND_TILED,
        .fits = fits,
        .pays = pays,
        .weights_size = conv_direct_weights_size,
        .pack = conv_direct_pack_across,
        .record = record,
};

const struct conv_algorithm conv_tiled_packed_small = {
        .name = "tiled-packed-small",
        .backend = GPU_BACKEND_TILED,
        .fits = fits_small,
        .weights_size = conv_direct_weights_size,
        .pack = conv_direct_pack_across,
        .record = record_small,
};
