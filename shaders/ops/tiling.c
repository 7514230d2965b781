#include "shaders/ops/tiling.h"

/* A strip should stay in a core's cache from one transform to the other: larger ones were measured to be up to 1.6
 * times slower. */
static const uint64_t workspace_most = 4 << 20;

uint32_t tiling_total(const struct tiling_params *tiling)
{
        return tiling->across * tiling->down * tiling->dilation * tiling->dilation;
}

static uint32_t padded_tiles(const struct tiling_params *tiling)
{
        return align_up(tiling_total(tiling), 32);
}

static uint64_t tile_bytes(const struct gpu_conv *conv)
{
        return (uint64_t)POINTS * (conv->in + align_up(conv->out, 4)) * sizeof(float);
}

struct tiling_params tiling_of(const struct gpu_conv *conv)
{
        struct tiling_params t = {
                .across = divide_up(divide_up(conv->width, conv->dilation), 4),
                .down = divide_up(divide_up(conv->height, conv->dilation), 4),
                .dilation = conv->dilation,
        };
        uint64_t most = workspace_most / tile_bytes(conv) / 32 * 32, all = padded_tiles(&t);

        t.strip = all <= most ? all : most ? most : 32;
        return t;
}

/* Compared with the direct algorithm it needs a quarter of the products, plus transforms that cost 30 / channels of it
 * (fitted to measurements of 32 to 512 channels at 8 to 128 pixels); both grow with the tiles that pad the picture. */
bool winograd_pays(const struct gpu_conv *conv)
{
        const struct tiling_params tiling = tiling_of(conv);
        const uint64_t channels = conv->in < conv->out ? conv->in : conv->out;
        const uint64_t computed = padded_tiles(&tiling) * UINT64_C(16), wanted = (uint64_t)conv->height * conv->width;

        return computed * (channels + 120) < wanted * 4 * channels;
}

uint64_t tiling_size(const struct tiling_params *tiling, uint32_t channels)
{
        return (uint64_t)POINTS * tiling->strip * align_up(channels, 4) * sizeof(float);
}

uint64_t winograd_workspace(const struct gpu_conv *conv)
{
        struct tiling_params tiling = tiling_of(conv);

        return align_up(tiling_size(&tiling, conv->in), 256) + tiling_size(&tiling, conv->out);
}
