#include <stdlib.h>
#include <string.h>

#include "shaders/vk/vk.h"

/* The header that every cache starts with ("Pipeline Cache Header" in the Vulkan specification): some drivers crash on
 * a foreign one instead of ignoring it. */
static bool is_ours(const struct gpu *gpu, const void *data, size_t size)
{
        const VkPhysicalDeviceProperties *p = &gpu->properties;
        VkPipelineCacheHeaderVersionOne header;

        if (size < sizeof header)
                return false;
        memcpy(&header, data, sizeof header);
        return header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE && header.vendorID == p->vendorID &&
               header.deviceID == p->deviceID && !memcmp(header.pipelineCacheUUID, p->pipelineCacheUUID, VK_UUID_SIZE);
}

/* A cache is never a reason to fail. */
int cache_open(struct gpu *gpu, const char *dir)
{
        size_t size = 0;
        void *data = NULL;

        if (dir) {
                if (!(gpu->cache_path = file_name(gpu, dir, "pipelines")))
                        return -ENOMEM;
                data = file_read(gpu->cache_path, &size);
                if (!data || !is_ours(gpu, data, size))
                        size = 0;
        }
        VkPipelineCacheCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                .initialDataSize = size,
                .pInitialData = size ? data : NULL,
        };
        int r = vk_made(gpu, &gpu->cache, vkCreatePipelineCache(gpu->device, &info, NULL, &gpu->cache));
        free(data);
        return r;
}

void cache_close(struct gpu *gpu)
{
        size_t size = 0;

        if (gpu->cache && gpu->cache_path && !gpu->lost &&
            vkGetPipelineCacheData(gpu->device, gpu->cache, &size, NULL) == VK_SUCCESS && size > 0) {
                void *data = malloc(size);
                if (data && vkGetPipelineCacheData(gpu->device, gpu->cache, &size, data) == VK_SUCCESS)
                        file_write(gpu->cache_path, data, size);
                free(data);
        }
        if (!gpu->stuck)
                vkDestroyPipelineCache(gpu->device, gpu->cache, NULL);
        free(gpu->cache_path);
}
