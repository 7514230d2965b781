/* Direct convolution on units that multiply whole matrices of halves. */
#include "shaders/glsl/conv_cooperative.kernel.h"
#include "shaders/glsl/conv_cooperative_nv.kernel.h"
#include "shaders/ops/conv.h"

/* By the device's extension.  The first has no code where the shader compiler did not know it. */
static const struct conv_kernel kernels[] = {
        [GPU_MATRICES_KHR] = {.kernel = &kernel_conv_cooperative,
                              .channels = COOPERATIVE_TILE,
                              .pixels = COOPERATIVE_TILE,
                              .cooperative = true},
        [GPU_MATRICES_NV] = {.kernel = &kernel_conv_cooperative_nv,
                             .channels = COOPERATIVE_TILE,
                             .pixels = COOPERATIVE_TILE,
                             .cooperative = true},
};

static bool fits(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return caps->matrices != GPU_MATRICES_NONE && kernels[caps->matrices].kernel->code[READ_BUFFERS].words &&
               conv_is_direct(conv) && conv->dtype == GPU_F16 &&
               caps->invocations >= conv_cooperative_invocations(caps);
}

/* A step sums 32 channels, and tiles have 64: with fewer than half of either, most of the work would be thrown away. */
static bool pays(const struct gpu_conv *conv)
{
        return conv->in >= 16 && conv->out >= 32;
}

static int record(struct gpu_program *program, const struct op_conv *op)
{
        return conv_direct_record(program, &kernels[program->gpu->caps.matrices], op);
}

const struct conv_algorithm conv_cooperative = {
        .name = "cooperative",
        .backend = GPU_BACKEND_TILED,
        .fits = fits,
        .pays = pays,
        .weights_size = conv_direct_weights_size,
        .pack = conv_direct_pack,
        .record = record,
};
