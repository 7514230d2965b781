#include <string.h>

#include "daemon/pipeline/snapshot.h"

static int record(struct gpu *gpu, const struct gpu_image *image, struct gpu_buffer *to, struct gpu_program **ret)
{
        int r = gpu_program_new(gpu, "snapshot", ret);
        if (r < 0)
                return r;
        op_copy(*ret, image->buffer, to, gpu_buffer_size(to));
        return gpu_program_end(*ret);
}

int snapshot_read(struct gpu *gpu, const struct gpu_image *image, uint8_t *ret)
{
        const uint64_t size = gpu_image_size(image->width, image->height);
        struct gpu_program *copy = NULL;
        struct gpu_buffer *buffer = NULL;

        int r = gpu_buffer_new(gpu, size, GPU_MEMORY_READBACK, "snapshot", &buffer);
        if (r == 0)
                r = record(gpu, image, buffer, &copy);
        if (r == 0)
                r = gpu_run(copy);
        if (r == 0)
                memcpy(ret, gpu_buffer_map(buffer), size);
        gpu_program_free(copy);
        gpu_buffer_free(buffer);
        return r;
}
