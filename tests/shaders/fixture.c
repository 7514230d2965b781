#include <stdlib.h>

#include "shaders/image.h"
#include "tests/shaders/fixture.h"

struct gpu_buffer *buffer(struct gpu *gpu, uint64_t size, enum gpu_memory memory)
{
        struct gpu_buffer *b = NULL;

        assert_int_equal(gpu_buffer_new(gpu, size, memory, "test", &b), 0);
        assert_non_null(b);
        assert_true(gpu_buffer_size(b) >= size);
        return b;
}

int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        char why[512] = "";

        if (gpu_open(&(struct gpu_options){.backend = GPU_BACKEND_TILED}, &f->gpu, why, sizeof why) < 0) {
                print_error("%s\n", why);
                return -1;
        }
        f->upload = buffer(f->gpu, SIZE, GPU_MEMORY_UPLOAD);
        f->device = buffer(f->gpu, SIZE, GPU_MEMORY_DEVICE);
        f->readback = buffer(f->gpu, SIZE, GPU_MEMORY_READBACK);
        *state = f;
        return 0;
}

int teardown(void **state)
{
        struct fixture *f = *state;
        unsigned messages = gpu_validation_messages(f->gpu);

        gpu_buffer_free(f->upload);
        gpu_buffer_free(f->device);
        gpu_buffer_free(f->readback);
        gpu_close(f->gpu);
        free(f);
        return messages ? -1 : 0;
}

struct gpu_program *program(struct fixture *f, unsigned count)
{
        struct gpu_program *p = NULL;

        assert_int_equal(gpu_program_new(f->gpu, "test", &p), 0);
        for (unsigned i = 0; i < count; i++) {
                assert_int_equal(op_copy(p, f->upload, f->device, SIZE), 0);
                assert_int_equal(op_copy(p, f->device, f->readback, SIZE), 0);
        }
        assert_int_equal(gpu_program_end(p), 0);
        return p;
}
