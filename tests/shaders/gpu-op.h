/* Private to gpu-op: the case that is running, and its buffers. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "shaders/gpu.h"
#include "shaders/image.h"
#include "shaders/ops.h"

#define SLOTS_MAX 8

/* A buffer of the case that is running. */
struct slot {
        const char *name;
        struct gpu_buffer *device, *readback;
        uint8_t *initial;
        uint64_t size, bytes; /* of the buffer; of its contents */
        bool is_map, shared, out;
        struct gpu_map map;
        uint32_t real; /* channels of the plain array */
};

struct run {
        struct gpu *gpu;
        FILE *cases, *results;
        json_t *json;
        size_t next; /* array of the case */
        struct slot slots[SLOTS_MAX];
        unsigned n_slots;
        struct gpu_buffer *extra[4]; /* weights, workspace */
        unsigned n_extra;
        struct gpu_program *program;
        uint64_t workspace;
        const char *algorithm; /* of the case's convolution */
};

/* An operator as the cases name it: makes its buffers from the case, and records it. */
struct operator
{
        const char *name; /* NULL after the last */
        int (*run)(struct run * run);
};

extern const struct operator network_operators[], picture_operators[];

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
void *xcalloc(size_t size);
uint64_t round_up(uint64_t n, uint64_t multiple);

uint32_t number(const json_t *object, const char *key);
float real(const json_t *object, const char *key);
/* The next array of the case, which the caller must free(). */
void *array(struct run *run, size_t expect);

struct slot *slot_find(struct run *run, const char *name);
struct slot *slot_new(struct run *run, const char *name);
int slot_upload(struct run *run, struct slot *slot);

/* Makes every map of the case, in order, filled from its arrays. */
int maps_new(struct run *run);
const struct gpu_map *map(struct run *run, const char *name);
/* Copies between a plain array and the map's place in a host image of its buffer. */
void map_move(const struct slot *slot, uint8_t *image, uint8_t *plain, bool set);
/* Whether everything around the map is unchanged. */
bool map_intact(const struct slot *slot, const uint8_t *before, const uint8_t *after);

/* A buffer of bytes (a picture, labels, a frame) of `bytes`, from the next array or, for an output, filled with 0xff.
 */
int bytes_new(struct run *run, const char *name, uint64_t bytes, bool in, bool out, struct gpu_buffer **ret);
int image_new(struct run *run, const char *name, bool in, bool out, struct gpu_image *ret);
int labels_new(struct run *run, const char *name, bool in, bool out, struct gpu_labels *ret);
/* A block with these bytes at an offset, as in a frame's parameters, with NaN before and after it. */
int block_new(struct run *run, const char *name, const void *data, uint64_t size, struct gpu_block *ret);
/* Packed weights at an offset, as in a model's buffer. */
int extra_new(struct run *run, uint64_t size, const void *data, uint64_t offset, const char *name,
              struct gpu_buffer **ret);
/* Working memory full of NaN. */
int workspace_new(struct run *run, uint64_t size, uint64_t offset, struct gpu_buffer **ret);
