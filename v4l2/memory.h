/* The memory of a camera's buffers, for devices that read frames where they are.
 *
 * It belongs to all that have referred to it: it is unmapped, and its descriptors are closed, when the last one gives
 * it up, even if its camera has been closed by then.  That may happen on any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { FRAME_BUFFERS_MAX = 32 };

struct frame_buffer {
        void *data; /* whole pages are mapped */
        size_t size;
        int dmabuf; /* a descriptor of the same memory; -1: the driver gives none */
};

struct frame_memory {
        uint32_t count;
        struct frame_buffer buffers[FRAME_BUFFERS_MAX];

        /* Private. */
        _Atomic unsigned owners;
        void (*unmap)(void *data, size_t size);
};

/* Without buffers; `unmap` will undo their mappings.  NULL: out of memory. */
struct frame_memory *frame_memory_new(void (*unmap)(void *data, size_t size));
/* Returns `memory`, which may be NULL in both. */
struct frame_memory *frame_memory_ref(struct frame_memory *memory);
void frame_memory_unref(struct frame_memory *memory);
