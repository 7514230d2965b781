#include <errno.h>
#include <stdlib.h>

#include "daemon/pipeline/slot.h"

static int new_image(struct gpu *gpu, const struct gpu_pixels *sink, const char *name, struct gpu_image *ret)
{
        *ret = (struct gpu_image){.width = sink->width, .height = sink->height};
        return gpu_buffer_new(gpu, gpu_image_size(ret->width, ret->height), GPU_MEMORY_DEVICE, name, &ret->buffer);
}

static uint64_t in_words(uint64_t bytes)
{
        return (bytes + 3) & ~UINT64_C(3);
}

/* ---- what all slots use ---- */

int slot_tools_init(struct slot_tools *tools, struct gpu *gpu, const struct gpu_pixels *sink, struct parse *parse)
{
        *tools = (struct slot_tools){.gpu = gpu, .sink = *sink, .parse = parse};
        int r = gpu_buffer_new(gpu, effect_chain_scratch_size(sink->width, sink->height), GPU_MEMORY_DEVICE, "scratch",
                               &tools->scratch);
        for (int i = 0; i < 2 && r == 0; i++)
                r = new_image(gpu, sink, "work", &tools->work[i]);
        tools->guided = (struct gpu_mask){NULL, sink->width, sink->height};
        if (r == 0)
                r = gpu_buffer_new(gpu, gpu_labels_size(sink->width, sink->height), GPU_MEMORY_DEVICE, "guided mask",
                                   &tools->guided.buffer);
        if (r == 0)
                r = effect_chain_states_new(gpu, sink->width, sink->height, tools->states);
        return r < 0 ? r : gpu_buffer_new(gpu, in_words(sink->size), GPU_MEMORY_DEVICE, "packed", &tools->packed);
}

void slot_tools_finish(struct slot_tools *tools)
{
        effect_chain_states_free(tools->states);
        gpu_buffer_free(tools->scratch);
        gpu_buffer_free(tools->work[0].buffer);
        gpu_buffer_free(tools->work[1].buffer);
        gpu_buffer_free(tools->guided.buffer);
        gpu_buffer_free(tools->packed);
}

/* ---- recording ---- */

static int record_take(struct slot *slot, const struct slot_tools *tools)
{
        int r = gpu_program_new(tools->gpu, "take", &slot->take);
        if (r < 0)
                return r;
        op_copy(slot->take, slot->image.buffer, tools->parse->image.buffer, gpu_buffer_size(slot->image.buffer));
        op_copy(slot->take, slot->parameters, tools->parse->view, GPU_VIEW_SIZE);
        return gpu_program_end(slot->take);
}

static int record_in(struct slot *slot, const struct slot_tools *tools, struct gpu_buffer *bytes,
                     const struct gpu_pixels *pixels, struct gpu_program **ret)
{
        int r = gpu_program_new(tools->gpu, "in", ret);
        if (r < 0)
                return r;
        op_unpack(*ret, bytes, pixels, &slot->image);
        return gpu_program_end(*ret);
}

static int record_out(struct slot *slot, const struct slot_tools *tools, uint32_t chain, struct gpu_program **ret)
{
        const struct effect_chain_io io = {
                .in = &slot->image,
                .scratch = tools->scratch,
                .states = tools->states,
                .work = {&tools->work[0], &tools->work[1]},
                .labels = &tools->parse->labels,
                .mask = &tools->parse->mask,
                .guided = &tools->guided,
                .blocks = {slot->parameters, GPU_VIEW_SIZE},
        };
        struct gpu_program *out;

        int r = gpu_program_new(tools->gpu, "out", &out);
        if (r < 0)
                return r;
        op_pack(out, effect_chain_record(out, chain, &io), &tools->sink, tools->packed);
        op_copy(out, tools->packed, slot->shown, tools->sink.size);
        r = gpu_program_end(out);
        if (r < 0)
                gpu_program_free(out);
        else
                *ret = out;
        return r;
}

/* ---- a slot ---- */

int slot_init(struct slot *slot, const struct slot_tools *tools)
{
        struct gpu *gpu = tools->gpu;
        int r;

        *slot = (struct slot){0};
        if ((r = new_image(gpu, &tools->sink, "image", &slot->image)) < 0 ||
            (r = gpu_buffer_new(gpu, GPU_VIEW_SIZE + effect_chain_blocks_size(), GPU_MEMORY_UPLOAD, "parameters",
                                &slot->parameters)) < 0 ||
            (r = gpu_buffer_new(gpu, in_words(tools->sink.size), GPU_MEMORY_READBACK, "shown", &slot->shown)) < 0)
                return r;
        return record_take(slot, tools);
}

void slot_drop_import(struct slot *slot)
{
        for (int i = 0; i < FRAME_BUFFERS_MAX; i++) {
                gpu_program_free(slot->in_place[i]);
                slot->in_place[i] = NULL;
        }
}

void slot_drop_source(struct slot *slot)
{
        slot_drop_import(slot);
        gpu_program_free(slot->in);
        slot->in = NULL;
        gpu_buffer_free(slot->upload);
        slot->upload = NULL;
}

void slot_finish(struct slot *slot)
{
        slot_drop_source(slot);
        gpu_program_free(slot->take);
        for (size_t i = 0; i < slot->out_count; i++)
                gpu_program_free(slot->out[i].program);
        free(slot->out);
        gpu_buffer_free(slot->image.buffer);
        gpu_buffer_free(slot->parameters);
        gpu_buffer_free(slot->shown);
}

int slot_set_source(struct slot *slot, const struct slot_tools *tools, const struct gpu_pixels *pixels,
                    const struct import *import)
{
        int r = gpu_buffer_new(tools->gpu, in_words(pixels->size), GPU_MEMORY_UPLOAD, "upload", &slot->upload);

        if (r == 0)
                r = record_in(slot, tools, slot->upload, pixels, &slot->in);
        for (uint32_t i = 0; i < import->count && r == 0; i++)
                r = record_in(slot, tools, import->buffers[i], pixels, &slot->in_place[i]);
        if (r < 0)
                slot_drop_source(slot);
        return r;
}

struct gpu_program *slot_out(const struct slot *slot, uint32_t chain)
{
        for (size_t i = 0; i < slot->out_count; i++)
                if (slot->out[i].chain == chain)
                        return slot->out[i].program;
        return NULL;
}

int slot_add_chain(struct slot *slot, const struct slot_tools *tools, uint32_t chain)
{
        struct slot_out out = {.chain = chain};

        if (slot_out(slot, chain))
                return 0;
        struct slot_out *grown = realloc(slot->out, (slot->out_count + 1) * sizeof *grown);
        if (!grown)
                return -ENOMEM;
        slot->out = grown;
        int r = record_out(slot, tools, chain, &out.program);
        if (r == 0)
                slot->out[slot->out_count++] = out;
        return r;
}

void slot_set_view(struct slot *slot, const struct gpu_view *view)
{
        *(struct gpu_view *)gpu_buffer_map(slot->parameters) = *view;
}

void slot_fill(struct slot *slot, const struct effect_context *context)
{
        effect_chain_fill(&slot->effect, context, (uint8_t *)gpu_buffer_map(slot->parameters) + GPU_VIEW_SIZE);
}
