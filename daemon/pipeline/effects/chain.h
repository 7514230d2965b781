/* A chain of effects on the GPU.  Every effect, whether in the chain or not, has its own block in the frame's
 * parameters, so that settings change by writing the blocks of the next frame. */
#pragma once

#include "daemon/pipeline/effects/frame.h"
#include "daemon/pipeline/effects/settings.h"

/* The images and parameters of a frame's effects; all images have the same size. */
struct effect_chain_io {
        const struct gpu_image *in, *work[2];
        struct gpu_buffer *scratch;       /* effect_chain_scratch_size() bytes */
        struct gpu_buffer *const *states; /* effect_chain_states_new() */
        const struct gpu_labels *labels;
        const struct gpu_mask *mask, *guided; /* the parser's, and what op_guide() makes of it */
        struct gpu_block blocks;              /* effect_chain_blocks_size() bytes, for effect_chain_fill() */
};

uint64_t effect_chain_blocks_size(void);                             /* a multiple of GPU_BLOCK_ALIGN */
uint64_t effect_chain_scratch_size(uint32_t width, uint32_t height); /* of any chain */
/* What effects keep from frame to frame: a buffer for each that keeps something.  `ret` must be zeroed.  On failure,
 * call effect_chain_states_free() too. */
int effect_chain_states_new(struct gpu *gpu, uint32_t width, uint32_t height, struct gpu_buffer *ret[EFFECTS]);
void effect_chain_states_free(struct gpu_buffer *states[EFFECTS]);
void effect_chain_fill(const struct effect_settings *settings, const struct effect_context *context, void *blocks);

/* Whether an effect in the chain uses the labels to hide something. */
bool effect_chain_hides(uint32_t chain);

/* Appends the chain's operators.  Returns the image with the result, which is `in` if there are none. */
const struct gpu_image *effect_chain_record(struct gpu_program *program, uint32_t chain,
                                            const struct effect_chain_io *io);
