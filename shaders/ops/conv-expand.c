/* Convolution of few channels, for CPU drivers: all inputs of a pixel are kept while the outputs are computed one after
 * the other.  Networks of inverted residual blocks begin each block with one, and most networks begin so. */
#include "shaders/glsl/conv_expand.kernel.h"
#include "shaders/ops/conv.h"

static const struct conv_kernel expand_kernel = {
        .kernel = &kernel_conv_expand,
        .channels = 4 * CONV_EXPAND_GROUPS,
        .pixels = SUBGROUP * CONV_SUBGROUP_PIXELS,
        .keeps_inputs = true,
};

/* Taps times groups of input channels: as many as are worth keeping, and up to which it surely pays.  The kernel is
 * compiled for each number of them, and with many that takes seconds (docs/PERFORMANCE.md). */
enum { INPUTS_MOST = 36, INPUTS_FEW = 10 };

static uint32_t inputs_of(const struct gpu_conv *conv)
{
        return conv->kernel * conv->kernel * conv->in / 4;
}

static bool fits(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return conv_subgroup.fits(caps, conv) && inputs_of(conv) <= INPUTS_MOST;
}

static bool pays(const struct gpu_conv *conv)
{
        return inputs_of(conv) <= INPUTS_FEW;
}

static int record(struct gpu_program *program, const struct op_conv *op)
{
        return conv_direct_record(program, &expand_kernel, op);
}

const struct conv_algorithm conv_subgroup_expand = {
        .name = "subgroup-expand",
        .backend = GPU_BACKEND_SUBGROUP,
        .fits = fits,
        .pays = pays,
        .weights_size = conv_direct_weights_size,
        .pack = conv_direct_pack,
        .record = record,
};
