#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

const char *memory_file(const uint8_t *data, size_t size, size_t total)
{
        static char path[32];
        static int fd = -1;

        if (fd < 0) {
                fd = memfd_create("fuzz", MFD_CLOEXEC);
                MUST(fd >= 0);
                snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        }
        MUST(ftruncate(fd, 0) == 0);
        MUST(pwrite(fd, data, size, 0) == (ssize_t)size);
        MUST(ftruncate(fd, (off_t)(total > size ? total : size)) == 0);
        return path;
}

struct guarded guarded_new(size_t capacity)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE), length = (capacity + page - 1) / page * page;
        uint8_t *map = mmap(NULL, length + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        MUST(map != MAP_FAILED && mprotect(map + length, page, PROT_NONE) == 0);
        return (struct guarded){map, length};
}

uint8_t *guarded_take(const struct guarded *guarded, size_t size)
{
        MUST(size <= guarded->length);
        return guarded->map + guarded->length - size;
}

uint32_t bytes_sum(const uint8_t *data, size_t size)
{
        uint32_t sum = 0;

        for (size_t i = 0; i < size; i++)
                sum = sum * 31 + data[i];
        return sum;
}

void line_check(const char *why)
{
        MUST(*why);
        for (; *why; why++)
                MUST((unsigned char)*why >= 0x20 && *why != 0x7f);
}
