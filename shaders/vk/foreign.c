/* Buffers of memory that belongs to others: dma-bufs, and memory of this process. */
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <unistd.h>
#include <xf86drm.h>

#include "shaders/vk/vk.h"

#define STAGES (VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT)
#define READS (VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT)

void foreign_init(struct gpu *gpu)
{
        if (gpu->caps.host_alignment > 0)
                gpu->host_properties = (void *)vkGetDeviceProcAddr(gpu->device, "vkGetMemoryHostPointerPropertiesEXT");
        if (gpu->caps.dmabuf)
                gpu->fd_properties = (void *)vkGetDeviceProcAddr(gpu->device, "vkGetMemoryFdPropertiesKHR");
}

/* Makes `buffer` a view of the memory that `info` imports, of one of the `allowed` types. */
static int attach(struct gpu_buffer *buffer, const void *info, uint64_t size, uint32_t allowed, enum gpu_memory use)
{
        struct gpu *gpu = buffer->gpu;

        int type = buffer_memory_type(gpu, allowed, use);
        if (type < 0)
                return type;
        const VkMemoryAllocateInfo allocate = {
                .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                .pNext = info,
                .allocationSize = size,
                .memoryTypeIndex = type,
        };
        int r = vk_made(gpu, &buffer->memory, vkAllocateMemory(gpu->device, &allocate, NULL, &buffer->memory));
        return r < 0 ? r : vk_error(gpu, vkBindBufferMemory(gpu->device, buffer->handle, buffer->memory, 0));
}

/* The pointer's last page is mapped to its end, which is as far as the import may reach. */
static int attach_host(struct gpu_buffer *buffer, const struct gpu_foreign *foreign, const VkMemoryRequirements *needs)
{
        const VkExternalMemoryHandleTypeFlagBits handle = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
        struct gpu *gpu = buffer->gpu;
        const uint64_t size = align_up(needs->size, gpu->caps.host_alignment);
        VkMemoryHostPointerPropertiesEXT fits = {.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};

        if ((uintptr_t)foreign->data % gpu->caps.host_alignment ||
            size > align_up(foreign->size, (uint64_t)sysconf(_SC_PAGESIZE)))
                return -ENOTSUP;
        int r = vk_error(gpu, gpu->host_properties(gpu->device, handle, foreign->data, &fits));
        if (r < 0)
                return r;
        const VkImportMemoryHostPointerInfoEXT info = {
                .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
                .handleType = handle,
                .pHostPointer = foreign->data,
        };
        /* Coherent, because nobody flushes what a camera has written. */
        return attach(buffer, &info, size, needs->memoryTypeBits & fits.memoryTypeBits, GPU_MEMORY_UPLOAD);
}

static int attach_dmabuf(struct gpu_buffer *buffer, const struct gpu_foreign *foreign,
                         const VkMemoryRequirements *needs)
{
        const VkExternalMemoryHandleTypeFlagBits handle = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
        struct gpu *gpu = buffer->gpu;
        const off_t size = lseek(foreign->dmabuf, 0, SEEK_END);
        VkMemoryFdPropertiesKHR fits = {.sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR};

        if (size < 0 || (uint64_t)size < needs->size)
                return -ENOTSUP;
        int r = vk_error(gpu, gpu->fd_properties(gpu->device, handle, foreign->dmabuf, &fits));
        if (r < 0)
                return r;
        VkImportMemoryFdInfoKHR info = {
                .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
                .handleType = handle,
                .fd = fcntl(foreign->dmabuf, F_DUPFD_CLOEXEC, 0),
        };
        if (info.fd < 0)
                return -errno;
        r = attach(buffer, &info, needs->size, needs->memoryTypeBits & fits.memoryTypeBits, GPU_MEMORY_DEVICE);
        if (!buffer->memory) /* otherwise it is the driver's */
                close(info.fd);
        buffer->dmabuf = true;
        if (r == 0 && gpu->info.kind == GPU_KIND_CPU && (buffer->sync = fcntl(foreign->dmabuf, F_DUPFD_CLOEXEC, 0)) < 0)
                r = -errno;
        return r;
}

int gpu_buffer_import(struct gpu *gpu, enum gpu_import how, const struct gpu_foreign *foreign, const char *name,
                      struct gpu_buffer **ret)
{
        const struct {
                bool possible;
                VkExternalMemoryHandleTypeFlagBits handle;
                int (*attach)(struct gpu_buffer *buffer, const struct gpu_foreign *foreign,
                              const VkMemoryRequirements *needs);
        } ways[] = {
                [GPU_IMPORT_DMABUF] = {foreign->dmabuf >= 0 && gpu->fd_properties,
                                       VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT, attach_dmabuf},
                [GPU_IMPORT_HOST] = {foreign->data && gpu->host_properties,
                                     VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, attach_host},
        };
        struct gpu_buffer *buffer;
        VkMemoryRequirements needs;

        if (!ways[how].possible)
                return -ENOTSUP;
        int r = buffer_create(gpu, foreign->size, IMPORT_USAGE, ways[how].handle, &buffer);
        if (r < 0)
                return r;
        buffer->imported = true;
        vkGetBufferMemoryRequirements(gpu->device, buffer->handle, &needs);
        r = ways[how].attach(buffer, foreign, &needs);
        if (r < 0) {
                gpu_buffer_free(buffer);
                return r;
        }
        vk_name(gpu, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffer->handle, name);
        *ret = buffer;
        return 0;
}

/* ---- in a program ---- */

/* Passes a dma-buf between the device that writes it and the one that runs the program. */
static void pass(const struct gpu_buffer *buffer, VkCommandBuffer commands, bool here)
{
        const struct gpu *gpu = buffer->gpu;
        const uint32_t others = gpu->caps.foreign_family ? VK_QUEUE_FAMILY_FOREIGN_EXT : VK_QUEUE_FAMILY_EXTERNAL;
        const VkBufferMemoryBarrier barrier = {
                .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER,
                .dstAccessMask = here ? READS : 0,
                .srcQueueFamilyIndex = here ? others : gpu->family,
                .dstQueueFamilyIndex = here ? gpu->family : others,
                .buffer = buffer->handle,
                .size = VK_WHOLE_SIZE,
        };

        vkCmdPipelineBarrier(commands, here ? VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT : STAGES,
                             here ? STAGES : VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, NULL, 1, &barrier, 0, NULL);
}

int foreign_use(struct gpu_program *program, VkCommandBuffer commands, struct gpu_buffer *buffer)
{
        if (!buffer->dmabuf)
                return 0;
        for (size_t i = 0; i < program->dmabuf_count; i++)
                if (program->dmabufs[i] == buffer)
                        return 0;
        struct gpu_buffer **grown = realloc(program->dmabufs, (program->dmabuf_count + 1) * sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        program->dmabufs = grown;
        program->dmabufs[program->dmabuf_count++] = buffer;
        pass(buffer, commands, true);
        return 0;
}

void foreign_hand_back(const struct gpu_program *program, VkCommandBuffer commands)
{
        for (size_t i = 0; i < program->dmabuf_count; i++)
                pass(program->dmabufs[i], commands, false);
}

/* A failure would mean that the CPU may see old bytes, and nothing can be done about it. */
void foreign_sync(const struct gpu_program *program, bool begin)
{
        struct dma_buf_sync sync = {DMA_BUF_SYNC_READ | (begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END)};

        for (size_t i = 0; i < program->dmabuf_count; i++)
                if (program->dmabufs[i]->sync >= 0)
                        drmIoctl(program->dmabufs[i]->sync, DMA_BUF_IOCTL_SYNC, &sync);
}
