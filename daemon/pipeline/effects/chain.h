/* A chain of effects on the GPU.  Every effect has a block of its own in the frame's parameters, in the chain or not, so
 * that settings change by writing the blocks of the next frame. */
#pragma once

#include "daemon/pipeline/effects/settings.h"

/* What a frame's effects work with; all images are of one size. */
struct effect_chain_io {
        const struct gpu_image *in, *scratch, *work[2];
        const struct gpu_labels *labels;
        struct gpu_block blocks; /* effect_chain_blocks_size() bytes, for effect_chain_fill() */
};

uint64_t effect_chain_blocks_size(void); /* a multiple of GPU_BLOCK_ALIGN */
void effect_chain_fill(const struct effect_settings *settings, const struct effect_context *context, void *blocks);

/* Whether an effect of the chain hides something by its labels. */
bool effect_chain_hides(uint32_t chain);

/* Appends the chain's operators; returns the image with the result, which is `in` where there are none. */
const struct gpu_image *effect_chain_record(struct gpu_program *program, uint32_t chain,
                                            const struct effect_chain_io *io);
