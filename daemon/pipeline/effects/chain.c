#include "daemon/pipeline/effects/chain.h"

/* Where an effect's block begins; for EFFECTS, the size of all blocks. */
static uint64_t block_offset(unsigned effect)
{
        uint64_t offset = 0;

        for (unsigned i = 0; i < effect; i++)
                offset += (effects[i]->block_size + GPU_BLOCK_ALIGN - 1) / GPU_BLOCK_ALIGN * GPU_BLOCK_ALIGN;
        return offset;
}

uint64_t effect_chain_blocks_size(void)
{
        return block_offset(EFFECTS);
}

uint64_t effect_chain_scratch_size(uint32_t width, uint32_t height)
{
        uint64_t most = gpu_guide_scratch_size(width, height);

        for (unsigned i = 0; i < EFFECTS; i++) {
                const uint64_t size = effects[i]->scratch_size ? effects[i]->scratch_size(width, height) : 0;
                most = size > most ? size : most;
        }
        return most;
}

int effect_chain_states_new(struct gpu *gpu, uint32_t width, uint32_t height, struct gpu_buffer *ret[EFFECTS])
{
        int r = 0;

        for (unsigned i = 0; i < EFFECTS && r == 0; i++)
                if (effects[i]->state_size)
                        r = gpu_buffer_new(gpu, effects[i]->state_size(width, height), GPU_MEMORY_DEVICE,
                                           effects[i]->name, &ret[i]);
        return r;
}

void effect_chain_states_free(struct gpu_buffer *states[EFFECTS])
{
        for (unsigned i = 0; i < EFFECTS; i++)
                gpu_buffer_free(states[i]);
}

void effect_chain_fill(const struct effect_settings *settings, const struct effect_context *context, void *blocks)
{
        for (unsigned i = 0; i < EFFECTS; i++)
                if (effects[i]->fill && settings->chain & UINT32_C(1) << i)
                        effects[i]->fill(context, settings->options[i], (uint8_t *)blocks + block_offset(i));
}

static bool is_soft(uint32_t chain)
{
        for (unsigned i = 0; i < EFFECTS; i++)
                if (chain & UINT32_C(1) << i && effects[i]->soft)
                        return true;
        return false;
}

bool effect_chain_hides(uint32_t chain)
{
        for (unsigned i = 0; i < EFFECTS; i++)
                if (chain & UINT32_C(1) << i && effects[i]->hides)
                        return true;
        return false;
}

/* Each effect writes to the work image that it does not read. */
const struct gpu_image *effect_chain_record(struct gpu_program *program, uint32_t chain,
                                            const struct effect_chain_io *io)
{
        const struct gpu_image *in = io->in;

        if (is_soft(chain))
                op_guide(program, io->in, io->mask, io->scratch, io->guided);
        for (unsigned i = 0; i < EFFECTS; i++) {
                if (!effects[i]->record || !(chain & UINT32_C(1) << i))
                        continue;
                const struct gpu_image *out = io->work[in == io->work[0]];
                effects[i]->record(program, &(struct effect_io){
                                                    .in = in,
                                                    .scratch = io->scratch,
                                                    .state = io->states[i],
                                                    .out = out,
                                                    .labels = io->labels,
                                                    .mask = io->guided,
                                                    .block = {io->blocks.buffer, io->blocks.offset + block_offset(i)},
                                            });
                in = out;
        }
        return in;
}
