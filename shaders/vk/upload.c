/* Copies from the host to device memory, with a program of one copy. */
#include <string.h>

#include "shaders/vk/vk.h"

/* Copies one range through `staging`. */
static int write_part(struct gpu_buffer *buffer, uint64_t offset, const void *data, uint64_t size,
                      struct gpu_buffer *staging)
{
        struct gpu_program *program;

        int r = gpu_program_new(buffer->gpu, "write", &program);
        if (r < 0)
                return r;
        memcpy(staging->map, data, size);
        program_copy(program, staging, 0, buffer, offset, size);
        r = gpu_program_end(program);
        if (r == 0)
                r = gpu_run(program);
        gpu_program_free(program);
        return r;
}

int gpu_buffer_write(struct gpu_buffer *buffer, uint64_t offset, const void *data, uint64_t size)
{
        const uint64_t part = size < 1 << 24 ? size : 1 << 24;
        struct gpu_buffer *staging = NULL;
        int r = 0;

        if (buffer->map) {
                memcpy((char *)buffer->map + offset, data, size);
                return 0;
        }
        if (size == 0)
                return 0;
        r = gpu_buffer_new(buffer->gpu, part, GPU_MEMORY_UPLOAD, "staging", &staging);
        for (uint64_t done = 0; r == 0 && done < size; done += part)
                r = write_part(buffer, offset + done, (const char *)data + done,
                               size - done < part ? size - done : part, staging);
        gpu_buffer_free(staging);
        return r;
}
