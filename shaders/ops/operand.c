#include <float.h>

#include "shaders/ops/operand.h"

uint64_t gpu_image_size(uint32_t width, uint32_t height)
{
        return (uint64_t)width * height * 4;
}

uint64_t gpu_labels_size(uint32_t width, uint32_t height)
{
        return align_up((uint64_t)width * height, 4);
}

uint64_t gpu_map_size(enum gpu_dtype dtype, uint32_t stride, uint32_t height, uint32_t width)
{
        return align_up((uint64_t)height * width, 32) * stride * (dtype == GPU_F16 ? 2 : 4);
}

struct activation_params push_activation(enum gpu_activation activation)
{
        static const struct activation_params table[] = {
                [GPU_LINEAR] = {1, FLT_MAX},
                [GPU_RELU] = {0, FLT_MAX},
                [GPU_LEAKY] = {0.01f, FLT_MAX},
                [GPU_RELU6] = {0, 6},
        };

        return table[activation];
}

int dispatch_steps(struct gpu_program *program, struct dispatch *steps, size_t count, const void *push,
                   uint32_t push_size)
{
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++) {
                steps[i].push = push;
                steps[i].push_size = push_size;
                r = program_dispatch(program, &steps[i]);
        }
        return r;
}
