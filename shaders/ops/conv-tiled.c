/* Direct convolution for GPUs, with tiles of two sizes. */
#include "shaders/glsl/conv_tiled.kernel.h"
#include "shaders/glsl/conv_tiled_small.kernel.h"
#include "shaders/ops/conv.h"

static const struct conv_kernel tiled_kernel = {
        .kernel = &kernel_conv_tiled,
        .channels = CONV_TILE(CONV_TILED_SIDE),
        .pixels = CONV_TILE(CONV_TILED_SIDE),
};

const struct conv_kernel conv_small_kernel = {
        .kernel = &kernel_conv_tiled_small,
        .channels = CONV_TILE(CONV_TILED_SMALL_SIDE),
        .pixels = CONV_TILE(CONV_TILED_SMALL_SIDE),
};

/* Workgroups that keep a GPU of medium size busy.  A map with fewer large tiles is cut into small ones. */
enum { BUSY = 64 };

static bool fits_small(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return conv_is_direct(conv);
}

static bool runs_large(const struct gpu_caps *caps)
{
        return caps->invocations >= CONV_TILED_SIDE * CONV_TILED_SIDE;
}

static uint32_t count_tiles(const struct conv_kernel *kernel, uint32_t pixels, uint32_t channels)
{
        return divide_up(pixels, kernel->pixels) * divide_up(channels, kernel->channels);
}

const struct conv_kernel *conv_tiled_kernel(const struct gpu_caps *caps, uint32_t pixels, uint32_t channels,
                                            uint32_t batch)
{
        return runs_large(caps) && pixels >= tiled_kernel.pixels &&
                               batch * count_tiles(&tiled_kernel, pixels, channels) >= BUSY
                       ? &tiled_kernel
                       : &conv_small_kernel;
}

static bool fits_tiled(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return fits_small(caps, conv) && runs_large(caps);
}

uint32_t conv_pixels(const struct gpu_conv *conv)
{
        return divide_up(conv->height, conv->stride) * divide_up(conv->width, conv->stride);
}

uint32_t conv_small_tiles(const struct gpu_conv *conv)
{
        return count_tiles(&conv_small_kernel, conv_pixels(conv), conv->out);
}

static bool fills(const struct gpu_conv *conv)
{
        return count_tiles(&tiled_kernel, conv_pixels(conv), conv->out) >= BUSY;
}

static int record_tiled(struct gpu_program *program, const struct op_conv *op)
{
        return conv_direct_record(program, &tiled_kernel, op);
}

static int record_small(struct gpu_program *program, const struct op_conv *op)
{
        return conv_direct_record(program, &conv_small_kernel, op);
}

const struct conv_algorithm conv_tiled = {
        .name = "tiled",
        .backend = GPU_BACKEND_TILED,
        .fits = fits_tiled,
        .pays = fills,
        .weights_size = conv_direct_weights_size,
        .pack = conv_direct_pack,
        .record = record_tiled,
};

const struct conv_algorithm conv_tiled_small = {
        .name = "tiled-small",
        .backend = GPU_BACKEND_TILED,
        .fits = fits_small,
        .weights_size = conv_direct_weights_size,
        .pack = conv_direct_pack,
        .record = record_small,
};
