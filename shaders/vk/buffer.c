#include <stdlib.h>
#include <unistd.h>

#include "shaders/vk/vk.h"

/* Property sets in order of preference for each use. */
static const VkMemoryPropertyFlags wishes[][2] = {
        [GPU_MEMORY_DEVICE] = {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0},
        [GPU_MEMORY_UPLOAD] = {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                               VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT},
        [GPU_MEMORY_READBACK] = {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                                         VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                                 VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT},
};

int buffer_memory_type(const struct gpu *gpu, uint32_t allowed, enum gpu_memory use)
{
        for (int wish = 0; wish < 2; wish++)
                for (uint32_t i = 0; i < gpu->memory.memoryTypeCount; i++) {
                        VkMemoryPropertyFlags has = gpu->memory.memoryTypes[i].propertyFlags;
                        if (allowed >> i & 1 && (has & wishes[use][wish]) == wishes[use][wish])
                                return i;
                }
        return -ENOTSUP;
}

static int allocate(struct gpu_buffer *buffer, enum gpu_memory use)
{
        struct gpu *gpu = buffer->gpu;
        VkMemoryRequirements needs;

        vkGetBufferMemoryRequirements(gpu->device, buffer->handle, &needs);
        int type = buffer_memory_type(gpu, needs.memoryTypeBits, use);
        if (type < 0)
                return type;
        if (needs.size > gpu->memory.memoryHeaps[gpu->memory.memoryTypes[type].heapIndex].size)
                return -ENOMEM;
        VkMemoryAllocateInfo info = {
                .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                .allocationSize = needs.size,
                .memoryTypeIndex = type,
        };
        int r = vk_made(gpu, &buffer->memory, vkAllocateMemory(gpu->device, &info, NULL, &buffer->memory));
        if (r == 0)
                r = vk_error(gpu, vkBindBufferMemory(gpu->device, buffer->handle, buffer->memory, 0));
        if (r == 0 && use != GPU_MEMORY_DEVICE)
                r = vk_error(gpu, vkMapMemory(gpu->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, &buffer->map));
        return r;
}

int buffer_create(struct gpu *gpu, uint64_t size, VkBufferUsageFlags usage, VkExternalMemoryHandleTypeFlags handles,
                  struct gpu_buffer **ret)
{
        struct gpu_buffer *buffer = calloc(1, sizeof *buffer);
        if (!buffer)
                return -ENOMEM;
        /* Whole vec4s, so that any range can be viewed as texels. */
        *buffer = (struct gpu_buffer){.gpu = gpu, .size = (size + 15) & ~UINT64_C(15), .sync = -1};
        gpu->allocated += buffer->size;
        const VkExternalMemoryBufferCreateInfo external = {
                .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
                .handleTypes = handles,
        };
        VkBufferCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                .pNext = handles ? &external : NULL,
                .size = buffer->size,
                .usage = usage,
        };
        int r = vk_made(gpu, &buffer->handle, vkCreateBuffer(gpu->device, &info, NULL, &buffer->handle));
        if (r < 0)
                gpu_buffer_free(buffer);
        else
                *ret = buffer;
        return r;
}

int gpu_buffer_new(struct gpu *gpu, uint64_t size, enum gpu_memory memory, const char *name, struct gpu_buffer **ret)
{
        const VkBufferUsageFlags usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
                                         VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
        struct gpu_buffer *buffer;

        int r = buffer_create(gpu, size, usage, 0, &buffer);
        if (r < 0)
                return r;
        r = allocate(buffer, memory);
        if (r < 0) {
                gpu_buffer_free(buffer);
                return r;
        }
        vk_name(gpu, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffer->handle, name);
        *ret = buffer;
        return 0;
}

void gpu_buffer_free(struct gpu_buffer *buffer)
{
        if (!buffer)
                return;
        buffer->gpu->allocated -= buffer->size;
        if (!buffer->gpu->stuck) {
                vkDestroyBuffer(buffer->gpu->device, buffer->handle, NULL);
                vkFreeMemory(buffer->gpu->device, buffer->memory, NULL);
        }
        if (buffer->sync >= 0)
                close(buffer->sync);
        free(buffer);
}

void *gpu_buffer_map(struct gpu_buffer *buffer)
{
        return buffer->map;
}

uint64_t gpu_buffer_size(const struct gpu_buffer *buffer)
{
        return buffer->size;
}

uint64_t gpu_allocated(const struct gpu *gpu)
{
        return gpu->allocated;
}
