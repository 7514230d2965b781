/* Private to ops/: conversion of the public types to what a dispatch takes. */
#pragma once

#include "shaders/glsl/params.h"
#include "shaders/ops.h"
#include "shaders/vk/vk.h"

struct push_size {
        int32_t width, height;
};

static inline uint32_t divide_up(uint64_t a, uint32_t b)
{
        return (a + b - 1) / b;
}

/* Groups for `n` consecutive invocations, which the shader numbers with LINEAR_INVOCATION.  They are two-dimensional,
 * because a device need not support more than GROUPS_MOST in one dimension. */
#define LINEAR_GROUPS(n)                                                                                               \
        divide_up(divide_up(n, WORKGROUP), divide_up(divide_up(n, WORKGROUP), GROUPS_MOST)),                           \
                divide_up(divide_up(n, WORKGROUP), GROUPS_MOST), 1

/* What storing a number of a map costs, in multiply-adds of a convolution; measured on lavapipe. */
#define STORE_COST 36

static inline uint32_t map_pixels(const struct gpu_map *map)
{
        return map->height * map->width;
}

static inline uint32_t map_groups(const struct gpu_map *map)
{
        return divide_up(map->channels, 4);
}

static inline struct map_params push_map(const struct gpu_map *map)
{
        return (struct map_params){map->first / 4, map->stride / 4};
}

static inline int format_of(enum gpu_dtype dtype)
{
        return dtype == GPU_F16 ? FORMAT_F16 : FORMAT_F32;
}

static inline struct operand map_operand(const struct gpu_map *map)
{
        return (struct operand){map->buffer, map->offset,
                                gpu_map_size(map->dtype, map->stride, map->height, map->width), format_of(map->dtype)};
}

static inline struct operand image_operand(const struct gpu_image *image)
{
        return (struct operand){image->buffer, 0, gpu_image_size(image->width, image->height), FORMAT_U8};
}

static inline struct operand labels_operand(const struct gpu_labels *labels)
{
        return (struct operand){labels->buffer, 0, gpu_labels_size(labels->width, labels->height), FORMAT_U8};
}

static inline struct operand mask_operand(const struct gpu_mask *mask)
{
        return (struct operand){mask->buffer, 0, gpu_labels_size(mask->width, mask->height), FORMAT_U8};
}

/* The same as raw words: a word is a pixel or four labels.  image_words() has four words an element. */
static inline struct operand image_words(const struct gpu_image *image)
{
        return (struct operand){image->buffer, 0, align_up(gpu_image_size(image->width, image->height), 16),
                                FORMAT_WORDS};
}

static inline struct operand image_pixels(const struct gpu_image *image)
{
        return (struct operand){image->buffer, 0, gpu_image_size(image->width, image->height), FORMAT_WORD};
}

static inline uint32_t image_fours(const struct gpu_image *image)
{
        return divide_up((uint64_t)image->width * image->height, 4);
}

static inline struct operand labels_words(const struct gpu_labels *labels)
{
        return (struct operand){labels->buffer, 0, gpu_labels_size(labels->width, labels->height), FORMAT_WORD};
}

static inline struct operand mask_words(const struct gpu_mask *mask)
{
        return (struct operand){mask->buffer, 0, gpu_labels_size(mask->width, mask->height), FORMAT_WORD};
}

static inline struct operand block_operand(const struct gpu_block *block, uint64_t size)
{
        return (struct operand){block->buffer, block->offset, size, FORMAT_F32};
}

/* The dispatches of one operator, in this order, all with the same parameters. */
int dispatch_steps(struct gpu_program *program, struct dispatch *steps, size_t count, const void *push,
                   uint32_t push_size);

struct activation_params push_activation(enum gpu_activation activation);
