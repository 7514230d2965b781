/* Files about a device that are kept between runs: one of each kind for each device and driver version.  A file is a
 * hash of the data (8 bytes), then the data. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shaders/vk/vk.h"

enum { MOST = 64 << 20 }; /* bytes: larger files are not read */

char *file_name(const struct gpu *gpu, const char *dir, const char *kind)
{
        const VkPhysicalDeviceProperties *p = &gpu->properties;
        char uuid[2 * VK_UUID_SIZE + 1], *ret = NULL;

        for (unsigned i = 0; i < VK_UUID_SIZE; i++)
                snprintf(uuid + 2 * i, 3, "%02x", p->pipelineCacheUUID[i]);
        if (asprintf(&ret, "%s/%s-%04x-%04x-%s", dir, kind, p->vendorID, p->deviceID, uuid) < 0)
                return NULL;
        return ret;
}

/* FNV-1a, which is good enough to detect accidents. */
static uint64_t checksum(const uint8_t *data, size_t size)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
        return hash;
}

void *file_read(const char *path, size_t *ret_size)
{
        uint8_t *data = NULL;
        uint64_t sum;
        struct stat st;
        bool whole = false;

        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return NULL;
        if (fstat(fd, &st) == 0 && st.st_size > (off_t)sizeof sum && st.st_size < MOST &&
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

int file_write(const char *path, const void *data, size_t size)
{
        const uint64_t sum = checksum(data, size);
        char *temporary;
        int r = 0;

        if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
                return -ENOMEM;
        int fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                r = -errno;
        else {
                if (write(fd, &sum, sizeof sum) != sizeof sum || write(fd, data, size) != (ssize_t)size)
                        r = -EIO;
                close(fd);
                if (r == 0 && rename(temporary, path) < 0)
                        r = -errno;
                if (r < 0)
                        unlink(temporary);
        }
        free(temporary);
        return r;
}
