#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/shaders/gpu-op.h"

#define GUARD 256

void die(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        fputs("gpu-op: ", stderr);
        vfprintf(stderr, format, ap);
        fputc('\n', stderr);
        va_end(ap);
        exit(2);
}

void *xcalloc(size_t size)
{
        void *p = calloc(1, size ? size : 1);

        if (!p)
                die("out of memory");
        return p;
}

uint64_t round_up(uint64_t n, uint64_t multiple)
{
        return (n + multiple - 1) / multiple * multiple;
}

/* ---- the case ---- */

uint32_t number(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_integer(value) && !json_is_boolean(value))
                die("no integer \"%s\"", key);
        return json_is_boolean(value) ? json_is_true(value) : (uint32_t)json_integer_value(value);
}

float real(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_number(value))
                die("no number \"%s\"", key);
        return (float)json_number_value(value);
}

void *array(struct run *run, size_t expect)
{
        const json_t *data = json_object_get(run->json, "data");
        size_t size = (size_t)json_integer_value(json_array_get(data, run->next));
        void *p = xcalloc(size);

        if (run->next >= json_array_size(data))
                die("too few arrays");
        if (expect && size != expect)
                die("array %zu has %zu bytes, not %zu", run->next, size, expect);
        run->next++;
        if (fread(p, 1, size, run->cases) != size)
                die("the cases end early");
        return p;
}

/* ---- maps ---- */

void map_move(const struct slot *slot, uint8_t *image, uint8_t *plain, bool set)
{
        const struct gpu_map *m = &slot->map;
        size_t element = m->dtype == GPU_F16 ? 2 : 4;
        size_t pixels = (size_t)m->height * m->width;

        for (uint32_t c = 0; c < slot->real; c++) {
                uint32_t channel = m->first + c;

                for (size_t p = 0; p < pixels; p++) {
                        size_t at = ((p / 32 * (m->stride / 4) + channel / 4) * 32 + p % 32) * 4 + channel % 4;
                        uint8_t *there = image + m->offset + at * element, *here = plain + (c * pixels + p) * element;

                        memcpy(set ? there : here, set ? here : there, element);
                }
        }
}

/* The rest of a map's channels beyond the plain array's (a picture has 3 of 4) are 0. */
static void map_zero_rest(const struct slot *slot, uint8_t *image)
{
        struct slot rest = *slot;
        uint8_t *zero = xcalloc((size_t)slot->map.height * slot->map.width * 4);

        rest.real = 1;
        for (uint32_t c = slot->real; c < slot->map.channels; c++) {
                rest.map.first = slot->map.first + c;
                map_move(&rest, image, zero, true);
        }
        free(zero);
}

bool map_intact(const struct slot *slot, const uint8_t *before, const uint8_t *after)
{
        const struct gpu_map *m = &slot->map;
        size_t row = 32 * 4 * (m->dtype == GPU_F16 ? 2 : 4);
        size_t groups = m->stride / 4, blocks = ((size_t)m->height * m->width + 31) / 32;
        uint64_t end = m->offset + blocks * groups * row;

        if (memcmp(before, after, m->offset) || memcmp(before + end, after + end, slot->size - end))
                return false;
        for (size_t b = 0; b < blocks; b++)
                for (size_t g = 0; g < groups; g++) {
                        uint64_t at = m->offset + (b * groups + g) * row;

                        if (g >= m->first / 4 && g < (m->first + m->channels) / 4)
                                continue;
                        if (memcmp(before + at, after + at, row))
                                return false;
                }
        return true;
}

struct slot *slot_find(struct run *run, const char *name)
{
        for (unsigned i = 0; i < run->n_slots; i++)
                if (!strcmp(run->slots[i].name, name))
                        return &run->slots[i];
        return NULL;
}

struct slot *slot_new(struct run *run, const char *name)
{
        struct slot *slot = &run->slots[run->n_slots];

        if (run->n_slots++ == SLOTS_MAX)
                die("too many buffers");
        *slot = (struct slot){.name = name};
        return slot;
}

int slot_upload(struct run *run, struct slot *slot)
{
        int r = gpu_buffer_new(run->gpu, slot->size, GPU_MEMORY_DEVICE, slot->name, &slot->device);

        return r < 0 ? r : gpu_buffer_write(slot->device, 0, slot->initial, slot->size);
}

int maps_new(struct run *run)
{
        const char *name;
        json_t *json;

        json_object_foreach(json_object_get(run->json, "maps"), name, json)
        {
                struct slot *slot = slot_new(run, name);
                struct slot *share = NULL;
                const char *share_name = json_string_value(json_object_get(json, "share"));

                slot->is_map = true;
                slot->out = number(json, "get");
                slot->real = number(json, "real");
                slot->map = (struct gpu_map){
                        .offset = number(json, "offset"),
                        .dtype = number(json, "half") ? GPU_F16 : GPU_F32,
                        .channels = number(json, "channels"),
                        .height = number(json, "height"),
                        .width = number(json, "width"),
                        .stride = number(json, "stride"),
                        .first = number(json, "first"),
                };
                slot->bytes = (uint64_t)slot->real * slot->map.height * slot->map.width *
                              (slot->map.dtype == GPU_F16 ? 2 : 4);
                if (share_name) {
                        share = slot_find(run, share_name);
                        if (!share)
                                die("no map %s to share", share_name);
                        slot->shared = true;
                        slot->size = share->size;
                        slot->initial = share->initial;
                } else {
                        slot->size =
                                slot->map.offset +
                                gpu_map_size(slot->map.dtype, slot->map.stride, slot->map.height, slot->map.width) +
                                GUARD;
                        slot->initial = xcalloc(slot->size);
                        memset(slot->initial, 0xff, slot->size);
                }
                if (number(json, "set")) {
                        uint8_t *plain = array(run, slot->bytes);

                        map_move(slot, slot->initial, plain, true);
                        map_zero_rest(slot, slot->initial);
                        free(plain);
                }
        }
        for (unsigned i = 0; i < run->n_slots; i++)
                if (!run->slots[i].shared) {
                        int r = slot_upload(run, &run->slots[i]);

                        if (r < 0)
                                return r;
                }
        json_object_foreach(json_object_get(run->json, "maps"), name, json)
        {
                struct slot *slot = slot_find(run, name);
                const char *share_name = json_string_value(json_object_get(json, "share"));

                if (share_name)
                        slot->device = slot_find(run, share_name)->device;
                slot->map.buffer = slot->device;
        }
        return 0;
}

const struct gpu_map *map(struct run *run, const char *name)
{
        struct slot *slot = slot_find(run, name);

        if (!slot)
                die("no map \"%s\"", name);
        return &slot->map;
}

int bytes_new(struct run *run, const char *name, uint64_t bytes, bool in, bool out, struct gpu_buffer **ret)
{
        struct slot *slot = slot_new(run, name);
        uint8_t *data;
        int r;

        slot->out = out;
        slot->bytes = bytes;
        slot->size = round_up(bytes, 4);
        slot->initial = xcalloc(slot->size);
        memset(slot->initial, 0xff, slot->size);
        if (in) {
                data = array(run, bytes);
                memcpy(slot->initial, data, bytes);
                free(data);
        }
        r = slot_upload(run, slot);
        *ret = slot->device;
        return r;
}

int image_new(struct run *run, const char *name, bool in, bool out, struct gpu_image *ret)
{
        const json_t *json = json_object_get(run->json, name);

        ret->width = number(json, "width");
        ret->height = number(json, "height");
        if (gpu_image_size(ret->width, ret->height) < (uint64_t)ret->width * ret->height * 4)
                die("gpu_image_size() is too small");
        return bytes_new(run, name, (uint64_t)ret->width * ret->height * 4, in, out, &ret->buffer);
}

int labels_new(struct run *run, const char *name, bool in, bool out, struct gpu_labels *ret)
{
        const json_t *json = json_object_get(run->json, name);

        ret->width = number(json, "width");
        ret->height = number(json, "height");
        if (gpu_labels_size(ret->width, ret->height) != round_up((uint64_t)ret->width * ret->height, 4))
                die("gpu_labels_size() is wrong");
        return bytes_new(run, name, (uint64_t)ret->width * ret->height, in, out, &ret->buffer);
}

int extra_new(struct run *run, uint64_t size, const void *data, uint64_t offset, const char *name,
              struct gpu_buffer **ret)
{
        int r = gpu_buffer_new(run->gpu, round_up(offset + size, 4), GPU_MEMORY_DEVICE, name, ret);

        if (r < 0)
                return r;
        run->extra[run->n_extra++] = *ret;
        return data ? gpu_buffer_write(*ret, offset, data, size) : 0;
}

int workspace_new(struct run *run, uint64_t size, uint64_t offset, struct gpu_buffer **ret)
{
        void *fill = xcalloc(round_up(size, 4));
        int r;

        memset(fill, 0xff, round_up(size, 4));
        r = extra_new(run, round_up(size, 4), fill, offset, "workspace", ret);
        free(fill);
        run->workspace = size;
        return r;
}

int block_new(struct run *run, const char *name, const void *data, uint64_t size, struct gpu_block *ret)
{
        struct slot *slot = slot_new(run, name);
        int r;

        ret->offset = GPU_BLOCK_ALIGN;
        slot->bytes = slot->size = ret->offset + size + GUARD;
        slot->initial = xcalloc(slot->size);
        memset(slot->initial, 0xff, slot->size);
        memcpy(slot->initial + ret->offset, data, size);
        r = slot_upload(run, slot);
        ret->buffer = slot->device;
        return r;
}
