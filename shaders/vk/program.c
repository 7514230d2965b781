#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shaders/vk/vk.h"

/* A segment is closed when its work should take this long: short enough for a frame's other programs to run in between,
 * and far below the second or two after which drivers consider a job hung. */
#define SEGMENT_SECONDS 0.0025

/* An operator that would take more segments than this is cut into pieces. */
#define SEGMENTS_MOST 4

/* What any operator costs in addition to its arithmetic. */
#define OPERATOR_SECONDS 10e-6

enum { SETS_PER_POOL = 64 };

int gpu_program_new(struct gpu *gpu, const char *name, struct gpu_program **ret)
{
        struct gpu_program *program = calloc(1, sizeof *program);
        if (!program)
                return -ENOMEM;
        program->gpu = gpu;
        snprintf(program->name, sizeof program->name, "%s", name);
        *ret = program;
        return 0;
}

void gpu_program_set_background(struct gpu_program *program)
{
        program->background = true;
}

void gpu_program_only_compile(struct gpu_program *program)
{
        program->only_compiles = true;
}

int program_fail(struct gpu_program *program, int error)
{
        if (error < 0 && program->error == 0)
                program->error = error;
        return program->error;
}

static void barrier(VkCommandBuffer commands, VkPipelineStageFlags to, VkAccessFlags access)
{
        VkMemoryBarrier memory = {
                .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                .dstAccessMask = access,
        };
        vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, to, 0, 1,
                             &memory, 0, NULL, 0, NULL);
}

/* Makes all previous writes visible to everything that follows. */
static void barrier_all(VkCommandBuffer commands)
{
        barrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                        VK_ACCESS_TRANSFER_WRITE_BIT);
}

static int begin_segment(struct gpu_program *program)
{
        struct gpu *gpu = program->gpu;
        VkCommandBuffer commands = VK_NULL_HANDLE;

        struct segment *grown = realloc(program->segments, (program->segment_count + 1) * sizeof *grown);
        if (!grown)
                return -ENOMEM;
        program->segments = grown;
        VkCommandBufferAllocateInfo allocate = {
                .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                .commandPool = gpu->commands,
                .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                .commandBufferCount = 1,
        };
        int r = vk_error(gpu, vkAllocateCommandBuffers(gpu->device, &allocate, &commands));
        if (r < 0)
                return r;
        program->segments[program->segment_count++] = (struct segment){commands};
        vk_name(gpu, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)commands, program->name);
        r = vk_error(gpu,
                     vkBeginCommandBuffer(commands, &(VkCommandBufferBeginInfo){
                                                            .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO}));
        if (r == 0)
                barrier_all(commands);
        program->cost = 0;
        program->touched_count = 0;
        return r;
}

static int end_segment(struct gpu_program *program)
{
        VkCommandBuffer commands = program->segments[program->segment_count - 1].commands;

        barrier(commands, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
        return vk_error(program->gpu, vkEndCommandBuffer(commands));
}

/* The command buffer for the next operator, which has that cost in multiply-adds. */
static int open_segment(struct gpu_program *program, double cost, VkCommandBuffer *ret)
{
        const double most = program->gpu->rate * SEGMENT_SECONDS;
        int r = 0;

        cost += program->gpu->rate * OPERATOR_SECONDS;
        if (program->error < 0)
                return program->error;
        if (program->segment_count && program->cost > 0 && program->cost + cost > most)
                r = end_segment(program);
        if (r == 0 && (!program->segment_count || (program->cost > 0 && program->cost + cost > most)))
                r = begin_segment(program);
        if (r < 0)
                return program_fail(program, r);
        program->cost += cost;
        *ret = program->segments[program->segment_count - 1].commands;
        return 0;
}

static bool conflicts(const struct touched *a, const struct touched *b)
{
        return a->buffer == b->buffer && (a->written || b->written) && a->from < b->to && b->from < a->to;
}

/* A barrier is only needed between operators if one writes what the other uses; independent ones may overlap. */
static int order(struct gpu_program *program, VkCommandBuffer commands, const struct touched *news, unsigned count)
{
        const unsigned room = sizeof program->touched / sizeof *program->touched;
        bool needed = program->touched_count + count > room;
        int r = 0;

        for (unsigned i = 0; i < count && r == 0; i++)
                r = news[i].written && news[i].buffer->imported ? -EINVAL
                                                                : foreign_use(program, commands, news[i].buffer);
        if (r < 0)
                return program_fail(program, r);

        for (unsigned i = 0; i < program->touched_count && !needed; i++)
                for (unsigned j = 0; j < count; j++)
                        needed |= conflicts(&program->touched[i], &news[j]);
        if (needed) {
                barrier_all(commands);
                program->touched_count = 0;
        }
        memcpy(program->touched + program->touched_count, news, count * sizeof *news);
        program->touched_count += count;
        return 0;
}

static int new_set(struct gpu_program *program, enum reading reading, VkDescriptorSet *ret)
{
        struct gpu *gpu = program->gpu;
        int r;

        if (program->pool_left == 0) {
                VkDescriptorPoolSize sizes[] = {
                        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, SETS_PER_POOL * OPERANDS},
                        {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, SETS_PER_POOL * OPERANDS},
                };
                VkDescriptorPoolCreateInfo info = {
                        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                        .maxSets = SETS_PER_POOL,
                        .poolSizeCount = 2,
                        .pPoolSizes = sizes,
                };
                VkDescriptorPool *grown = realloc(program->pools, (program->pool_count + 1) * sizeof *grown);
                if (!grown)
                        return -ENOMEM;
                program->pools = grown;
                if ((r = vk_error(gpu, vkCreateDescriptorPool(gpu->device, &info, NULL, &grown[program->pool_count]))) <
                    0)
                        return r;
                program->pool_count++;
                program->pool_left = SETS_PER_POOL;
        }
        VkDescriptorSetAllocateInfo info = {
                .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                .descriptorPool = program->pools[program->pool_count - 1],
                .descriptorSetCount = 1,
                .pSetLayouts = &gpu->pipelines.layouts[reading].set,
        };
        program->pool_left--;
        return vk_error(gpu, vkAllocateDescriptorSets(gpu->device, &info, ret));
}

static const struct {
        VkFormat format;
        uint32_t bytes;
} texels[] = {
        [FORMAT_F32] = {VK_FORMAT_R32G32B32A32_SFLOAT, 16}, /* of vec4 */
        [FORMAT_F16] = {VK_FORMAT_R16G16B16A16_SFLOAT, 8},  /* the same */
        [FORMAT_U8] = {VK_FORMAT_R8G8B8A8_UNORM, 4},        /* the same */
        [FORMAT_WORD] = {VK_FORMAT_R32_UINT, 4},            /* of uint */
        [FORMAT_WORDS] = {VK_FORMAT_R32G32B32A32_UINT, 16}, /* of uvec4 */
};

static int new_view(struct gpu_program *program, const struct operand *operand, VkBufferView *ret)
{
        struct gpu *gpu = program->gpu;
        VkBufferViewCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                .buffer = operand->buffer->handle,
                .format = texels[operand->format].format,
                .offset = operand->offset,
                .range = operand->size,
        };

        if (operand->size / texels[operand->format].bytes > gpu->caps.texel_elements)
                return -E2BIG;
        VkBufferView *grown = realloc(program->views, (program->view_count + 1) * sizeof *grown);
        if (!grown)
                return -ENOMEM;
        program->views = grown;
        int r = vk_error(gpu, vkCreateBufferView(gpu->device, &info, NULL, ret));
        if (r == 0)
                grown[program->view_count++] = *ret;
        return r;
}

static int bind(struct gpu_program *program, const struct dispatch *dispatch, enum reading reading, VkDescriptorSet set)
{
        struct gpu *gpu = program->gpu;
        VkWriteDescriptorSet writes[OPERANDS];
        VkDescriptorBufferInfo buffers[OPERANDS];
        VkBufferView views[OPERANDS];
        unsigned count = 0;

        for (int i = 0; i < OPERANDS; i++) {
                const struct operand *operand = &dispatch->operands[i];
                if (!operand->buffer)
                        continue;
                const VkDescriptorType type = pipeline_descriptor(reading, i);
                const bool texel = type == VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
                if (!texel && operand->size > gpu->caps.storage_range)
                        return -E2BIG;
                int r = texel ? new_view(program, operand, &views[i]) : 0;
                if (r < 0)
                        return r;
                buffers[i] = (VkDescriptorBufferInfo){operand->buffer->handle, operand->offset, operand->size};
                writes[count++] = (VkWriteDescriptorSet){
                        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                        .dstSet = set,
                        .dstBinding = i,
                        .descriptorCount = 1,
                        .descriptorType = type,
                        .pBufferInfo = &buffers[i],
                        .pTexelBufferView = &views[i],
                };
        }
        vkUpdateDescriptorSets(gpu->device, count, writes, 0, NULL);
        return 0;
}

/* The number of parts into which a long operator is cut, along its second dimension. */
static uint32_t count_pieces(const struct gpu_program *program, const struct dispatch *dispatch)
{
        const double segments = dispatch->cost / (program->gpu->rate * SEGMENT_SECONDS);
        const uint32_t rows = dispatch->groups[1];

        if (segments <= SEGMENTS_MOST || dispatch->whole)
                return 1;
        return segments < rows ? (uint32_t)segments : rows;
}

static int record_piece(struct gpu_program *program, const struct dispatch *dispatch,
                        const struct compiled_kernel *pipeline, VkDescriptorSet set, uint32_t piece, uint32_t pieces)
{
        const VkPipelineLayout layout = program->gpu->pipelines.layouts[pipeline->reading].pipeline;
        const uint32_t *groups = dispatch->groups;
        const uint32_t first = (uint64_t)groups[1] * piece / pieces, end = (uint64_t)groups[1] * (piece + 1) / pieces;
        struct touched touched[OPERANDS];
        VkCommandBuffer commands = VK_NULL_HANDLE;
        unsigned count = 0;

        for (int i = 0; i < OPERANDS; i++) {
                const struct operand *o = &dispatch->operands[i];
                if (o->buffer)
                        touched[count++] = (struct touched){o->buffer, o->offset, o->offset + o->size, i == RESULT};
        }
        int r = open_segment(program, dispatch->cost / pieces, &commands);
        if (r < 0 || (r = order(program, commands, touched, count)) < 0)
                return r;
        vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
        vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
        vkCmdPushConstants(commands, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, dispatch->push_size, dispatch->push);
        vkCmdDispatchBase(commands, 0, first, 0, groups[0], end - first, groups[2]);
        return 0;
}

int program_dispatch(struct gpu_program *program, const struct dispatch *dispatch)
{
        const uint32_t pieces = count_pieces(program, dispatch);
        VkDescriptorSet set;
        struct compiled_kernel pipeline;
        int r = program->error;

        for (int i = 0; i < 3; i++)
                if (dispatch->groups[i] > program->gpu->caps.groups[i])
                        r = -E2BIG;
        if (r < 0 || (r = pipelines_get(program->gpu, dispatch, &pipeline)) < 0)
                return program_fail(program, r);
        if (program->only_compiles)
                return 0;
        if ((r = first_run_note(program, pipeline.handle)) < 0 || (r = new_set(program, pipeline.reading, &set)) < 0 ||
            (r = bind(program, dispatch, pipeline.reading, set)) < 0)
                return program_fail(program, r);
        for (uint32_t i = 0; i < pieces && r == 0; i++)
                r = record_piece(program, dispatch, &pipeline, set, i, pieces);
        return r;
}

int program_copy(struct gpu_program *program, struct gpu_buffer *from, uint64_t from_offset, struct gpu_buffer *to,
                 uint64_t to_offset, uint64_t size)
{
        const struct touched touched[] = {
                {from, from_offset, from_offset + size, false},
                {to, to_offset, to_offset + size, true},
        };
        VkCommandBuffer commands = VK_NULL_HANDLE;

        if (program->only_compiles)
                return 0;
        int r = open_segment(program, size, &commands);
        if (r < 0 || (r = order(program, commands, touched, 2)) < 0)
                return r;
        vkCmdCopyBuffer(commands, from->handle, to->handle, 1, &(VkBufferCopy){from_offset, to_offset, size});
        return 0;
}

/* A timestamp after everything recorded so far and before everything to come.  The last one ends the last part. */
int gpu_program_part(struct gpu_program *program)
{
        VkCommandBuffer commands = VK_NULL_HANDLE;

        if (program->stamp_count == program->stamp_room)
                return program_fail(program, -E2BIG);
        int r = open_segment(program, 0, &commands);
        if (r < 0)
                return r;
        barrier_all(commands);
        clock_stamp(program, commands);
        barrier_all(commands);
        return 0;
}

int gpu_program_end(struct gpu_program *program)
{
        if (program->error == 0 && program->segment_count == 0)
                program_fail(program, begin_segment(program));
        if (program->stamps)
                gpu_program_part(program);
        if (program->error == 0) {
                foreign_hand_back(program, program->segments[program->segment_count - 1].commands);
                program_fail(program, end_segment(program));
        }
        program->ended = true;
        return program->error;
}

static void destroy(struct gpu_program *program)
{
        struct gpu *gpu = program->gpu;

        for (size_t i = 0; i < program->segment_count; i++)
                vkFreeCommandBuffers(gpu->device, gpu->commands, 1, &program->segments[i].commands);
        for (size_t i = 0; i < program->pool_count; i++)
                vkDestroyDescriptorPool(gpu->device, program->pools[i], NULL);
        for (size_t i = 0; i < program->view_count; i++)
                vkDestroyBufferView(gpu->device, program->views[i], NULL);
        clock_free(program);
}

void gpu_program_free(struct gpu_program *program)
{
        if (!program)
                return;
        program_wait(program);
        if (!program->gpu->stuck)
                destroy(program);
        free(program->first_runs);
        free(program->segments);
        free(program->pools);
        free(program->views);
        free(program->dmabufs);
        free(program);
}
