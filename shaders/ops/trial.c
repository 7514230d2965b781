/* A single convolution with memory of its own, to be timed. */
#include <stdlib.h>

#include "shaders/ops/conv.h"

static struct gpu_map map(const struct gpu_conv *conv, uint32_t channels, uint32_t stride)
{
        channels = align_up(channels, 4);
        return (struct gpu_map){
                .dtype = conv->dtype,
                .channels = channels,
                .stride = channels,
                .height = divide_up(conv->height, stride),
                .width = divide_up(conv->width, stride),
        };
}

static uint64_t size_of(const struct gpu_map *map)
{
        return align_up(gpu_map_size(map->dtype, map->stride, map->height, map->width), 256);
}

static int prepare(struct gpu *gpu, struct conv_trial *trial)
{
        const struct gpu_conv *conv = &trial->conv;
        struct op_conv op = {
                .conv = *conv, .in = map(conv, conv->in, 1), .out = map(conv, conv->out, conv->stride), .scale = 1};

        op.in.offset = align_up(gpu_conv_weights_size(conv), 256);
        op.out.offset = op.in.offset + size_of(&op.in);
        op.workspace_offset = op.out.offset + size_of(&op.out);
        int r = gpu_buffer_new(gpu, op.workspace_offset + gpu_conv_workspace_size(conv), GPU_MEMORY_DEVICE, "trial",
                               &trial->memory);
        if (r < 0 || (r = gpu_program_new(gpu, "trial", &trial->program)) < 0)
                return r;
        op.in.buffer = op.out.buffer = op.weights = op.workspace = trial->memory;
        op_conv(trial->program, &op);
        return gpu_program_end(trial->program);
}

int conv_trial_new(struct gpu *gpu, const struct gpu_conv *conv, struct conv_trial *ret)
{
        *ret = (struct conv_trial){.conv = *conv};
        int r = prepare(gpu, ret);
        if (r < 0)
                conv_trial_free(ret);
        return r;
}

/* Bytes that are written at once; other programs may be waiting for the device. */
enum { CHUNK = 1 << 20 };

int conv_trial_clear(struct conv_trial *trial)
{
        const uint64_t size = trial->memory->size;
        void *zeros = calloc(1, CHUNK);
        int r = zeros ? 0 : -ENOMEM;

        for (uint64_t at = 0; at < size && r == 0; at += CHUNK)
                r = gpu_buffer_write(trial->memory, at, zeros, size - at < CHUNK ? size - at : CHUNK);
        free(zeros);
        return r;
}

void conv_trial_free(struct conv_trial *trial)
{
        gpu_program_free(trial->program);
        gpu_buffer_free(trial->memory);
        *trial = (struct conv_trial){0};
}
