#include <errno.h>

#include "daemon/pipeline/import.h"

/* In order of preference: a dma-buf is made for other devices, and its owner knows who uses it. */
static const char *const texts[GPU_IMPORTS] = {
        [GPU_IMPORT_DMABUF] = "read in place (dma-buf)",
        [GPU_IMPORT_HOST] = "read in place (host memory)",
};

static void drop(struct import *import)
{
        while (import->count > 0)
                gpu_buffer_free(import->buffers[--import->count]);
}

static int take_all(struct import *import, struct gpu *gpu, const struct frame_memory *memory, enum gpu_import how)
{
        for (uint32_t i = 0; i < memory->count; i++) {
                const struct frame_buffer *from = &memory->buffers[i];
                const struct gpu_foreign foreign = {from->dmabuf, from->data, from->size};

                int r = gpu_buffer_import(gpu, how, &foreign, "camera", &import->buffers[i]);
                if (r < 0) {
                        drop(import);
                        return r;
                }
                import->count = i + 1;
        }
        return 0;
}

int import_init(struct import *import, struct gpu *gpu, struct frame_memory *memory)
{
        *import = (struct import){0};
        for (enum gpu_import how = 0; memory && how < GPU_IMPORTS; how++) {
                int r = take_all(import, gpu, memory, how);
                if (r == -ENODEV)
                        return r;
                if (r < 0)
                        continue;
                import->how = how;
                import->memory = frame_memory_ref(memory);
                break;
        }
        return 0;
}

/* A GPU that hangs may read the memory for ever, so it must stay. */
void import_finish(struct import *import, struct gpu *gpu)
{
        drop(import);
        if (!gpu_is_stuck(gpu))
                frame_memory_unref(import->memory);
        import->memory = NULL;
}

const char *import_text(const struct import *import)
{
        return import->memory ? texts[import->how] : "copied";
}
