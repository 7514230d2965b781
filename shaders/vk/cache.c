#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shaders/vk/vk.h"

/* One file per device and driver version, named after both, so that several can coexist. */
static char *cache_name(const struct gpu *gpu, const char *dir)
{
        const VkPhysicalDeviceProperties *p = &gpu->properties;
        char uuid[2 * VK_UUID_SIZE + 1], *ret = NULL;

        for (unsigned i = 0; i < VK_UUID_SIZE; i++)
                snprintf(uuid + 2 * i, 3, "%02x", p->pipelineCacheUUID[i]);
        if (asprintf(&ret, "%s/pipelines-%04x-%04x-%s", dir, p->vendorID, p->deviceID, uuid) < 0)
                return NULL;
        return ret;
}

/* FNV-1a, which is good enough to detect accidents.  The file is the hash of the data (8 bytes), then the data. */
static uint64_t checksum(const uint8_t *data, size_t size)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
        return hash;
}

/* The contents of the file; NULL: there is no usable one.  A cache is never a reason to fail. */
static void *read_file(const char *path, size_t *ret_size)
{
        uint8_t *data = NULL;
        uint64_t sum;
        struct stat st;
        bool whole = false;

        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return NULL;
        if (fstat(fd, &st) == 0 && st.st_size > (off_t)sizeof sum && st.st_size < 64 << 20 &&
            read(fd, &sum, sizeof sum) == sizeof sum) {
                *ret_size = st.st_size - sizeof sum;
                data = malloc(*ret_size);
                whole = data && read(fd, data, *ret_size) == (ssize_t)*ret_size && checksum(data, *ret_size) == sum;
        }
        close(fd);
        if (!whole) {
                free(data);
                return NULL;
        }
        return data;
}

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

int cache_open(struct gpu *gpu, const char *dir)
{
        size_t size = 0;
        void *data = NULL;

        if (dir) {
                if (!(gpu->cache_path = cache_name(gpu, dir)))
                        return -ENOMEM;
                data = read_file(gpu->cache_path, &size);
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

/* Written to a temporary name first, because two processes may end at the same time. */
static void write_file(const char *path, const void *data, size_t size)
{
        char *temporary;

        if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
                return;
        int fd = mkostemp(temporary, O_CLOEXEC);
        if (fd >= 0) {
                uint64_t sum = checksum(data, size);
                bool whole = write(fd, &sum, sizeof sum) == sizeof sum && write(fd, data, size) == (ssize_t)size;
                close(fd);
                if (!whole || rename(temporary, path) < 0)
                        unlink(temporary);
        }
        free(temporary);
}

void cache_close(struct gpu *gpu)
{
        size_t size = 0;

        if (gpu->cache && gpu->cache_path && !gpu->lost &&
            vkGetPipelineCacheData(gpu->device, gpu->cache, &size, NULL) == VK_SUCCESS && size > 0) {
                void *data = malloc(size);
                if (data && vkGetPipelineCacheData(gpu->device, gpu->cache, &size, data) == VK_SUCCESS)
                        write_file(gpu->cache_path, data, size);
                free(data);
        }
        if (!gpu->stuck)
                vkDestroyPipelineCache(gpu->device, gpu->cache, NULL);
        free(gpu->cache_path);
}
