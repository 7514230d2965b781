#include <stdlib.h>
#include <unistd.h>

#include "v4l2/memory.h"

struct frame_memory *frame_memory_new(void (*unmap)(void *data, size_t size))
{
        struct frame_memory *memory = calloc(1, sizeof *memory);

        if (!memory)
                return NULL;
        memory->owners = 1;
        memory->unmap = unmap;
        return memory;
}

struct frame_memory *frame_memory_ref(struct frame_memory *memory)
{
        if (memory)
                memory->owners++;
        return memory;
}

void frame_memory_unref(struct frame_memory *memory)
{
        if (!memory || --memory->owners > 0)
                return;
        for (uint32_t i = 0; i < memory->count; i++) {
                memory->unmap(memory->buffers[i].data, memory->buffers[i].size);
                if (memory->buffers[i].dmabuf >= 0)
                        close(memory->buffers[i].dmabuf);
        }
        free(memory);
}
