/* Runs single operators for test_ops.py.
 *
 *   gpu-op [--device NAME] [--backend subgroup|tiled] CASES RESULTS
 *
 * Both files are sequences of records: a line of JSON, then the bytes of the arrays whose lengths its "data" lists.  A
 * case names an operator, its numbers, and its maps, whose plain channel-row-column arrays are put in the layout of
 * ops.h here and taken out of it again; what numbers mean is between test_ops.py and the operators.  Everything that a
 * case does not set is filled with 0xff bytes, which are NaN in either float format: an operator that reads what it
 * should not gives itself away. What an operator may not write is compared afterwards ("intact").
 *
 * Exit status: 0 all cases were answered (each with its own status), 77 this device cannot do the backend, 1 no device,
 * 2 usage. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shaders/gpu.h"
#include "shaders/image.h"
#include "shaders/ops/conv.h"

#define GUARD 256
#define SLOTS_MAX 8

/* A buffer of the case that is running. */
struct slot {
        const char *name;
        struct gpu_buffer *device, *readback;
        uint8_t *initial;
        uint64_t size, bytes; /* of the buffer; of what counts in it */
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

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        fputs("gpu-op: ", stderr);
        vfprintf(stderr, format, ap);
        fputc('\n', stderr);
        va_end(ap);
        exit(2);
}

static void *xcalloc(size_t size)
{
        void *p = calloc(1, size ? size : 1);

        if (!p)
                die("out of memory");
        return p;
}

static uint64_t round_up(uint64_t n, uint64_t multiple)
{
        return (n + multiple - 1) / multiple * multiple;
}

/* ---- the case ---- */

static uint32_t number(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_integer(value) && !json_is_boolean(value))
                die("no integer \"%s\"", key);
        return json_is_boolean(value) ? json_is_true(value) : (uint32_t)json_integer_value(value);
}

static float real(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_number(value))
                die("no number \"%s\"", key);
        return (float)json_number_value(value);
}

/* The next array of the case; free(). */
static void *array(struct run *run, size_t expect)
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

/* Copies between a plain array and the map's place in a host image of its buffer. */
static void map_move(const struct slot *slot, uint8_t *image, uint8_t *plain, bool set)
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

static bool map_intact(const struct slot *slot, const uint8_t *before, const uint8_t *after)
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

static struct slot *slot_find(struct run *run, const char *name)
{
        for (unsigned i = 0; i < run->n_slots; i++)
                if (!strcmp(run->slots[i].name, name))
                        return &run->slots[i];
        return NULL;
}

static struct slot *slot_new(struct run *run, const char *name)
{
        struct slot *slot = &run->slots[run->n_slots];

        if (run->n_slots++ == SLOTS_MAX)
                die("too many buffers");
        *slot = (struct slot){.name = name};
        return slot;
}

static int slot_upload(struct run *run, struct slot *slot)
{
        int r = gpu_buffer_new(run->gpu, slot->size, GPU_MEMORY_DEVICE, slot->name, &slot->device);

        return r < 0 ? r : gpu_buffer_write(slot->device, 0, slot->initial, slot->size);
}

/* Makes every map of the case, in order, with what its arrays say. */
static int maps_new(struct run *run)
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

static const struct gpu_map *map(struct run *run, const char *name)
{
        struct slot *slot = slot_find(run, name);

        if (!slot)
                die("no map \"%s\"", name);
        return &slot->map;
}

/* A buffer of bytes (a picture, labels, a frame) of `bytes`, from the next array or, for an output, filled with 0xff.
 */
static int bytes_new(struct run *run, const char *name, uint64_t bytes, bool in, bool out, struct gpu_buffer **ret)
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

static int image_new(struct run *run, const char *name, bool in, bool out, struct gpu_image *ret)
{
        const json_t *json = json_object_get(run->json, name);

        ret->width = number(json, "width");
        ret->height = number(json, "height");
        if (gpu_image_size(ret->width, ret->height) < (uint64_t)ret->width * ret->height * 4)
                die("gpu_image_size() is too small");
        return bytes_new(run, name, (uint64_t)ret->width * ret->height * 4, in, out, &ret->buffer);
}

static int labels_new(struct run *run, const char *name, bool in, bool out, struct gpu_labels *ret)
{
        const json_t *json = json_object_get(run->json, name);

        ret->width = number(json, "width");
        ret->height = number(json, "height");
        if (gpu_labels_size(ret->width, ret->height) != round_up((uint64_t)ret->width * ret->height, 4))
                die("gpu_labels_size() is wrong");
        return bytes_new(run, name, (uint64_t)ret->width * ret->height, in, out, &ret->buffer);
}

/* Weights, laid out by `pack`, behind an offset, as in a model's buffer. */
static int extra_new(struct run *run, uint64_t size, const void *data, uint64_t offset, const char *name,
                     struct gpu_buffer **ret)
{
        int r = gpu_buffer_new(run->gpu, round_up(offset + size, 4), GPU_MEMORY_DEVICE, name, ret);

        if (r < 0)
                return r;
        run->extra[run->n_extra++] = *ret;
        return data ? gpu_buffer_write(*ret, offset, data, size) : 0;
}

/* Working memory full of NaN. */
static int workspace_new(struct run *run, uint64_t size, uint64_t offset, struct gpu_buffer **ret)
{
        void *fill = xcalloc(round_up(size, 4));
        int r;

        memset(fill, 0xff, round_up(size, 4));
        r = extra_new(run, round_up(size, 4), fill, offset, "workspace", ret);
        free(fill);
        run->workspace = size;
        return r;
}

/* ---- operators ---- */

/* The algorithm that the case names, or the one that would be chosen.  -ENOTSUP: it cannot compute this. */
static int choose(struct run *run, struct gpu_conv *conv)
{
        const char *name = json_string_value(json_object_get(run->json, "algorithm"));

        if (!name)
                return gpu_conv_choose(run->gpu, conv);
        for (const struct conv_algorithm *const *a = conv_algorithms; *a; a++)
                if (!strcmp((*a)->name, name)) {
                        conv->algorithm = *a;
                        return (*a)->fits(&run->gpu->caps, conv) ? 0 : -ENOTSUP;
                }
        die("no algorithm \"%s\"", name);
}

static int conv_record(struct run *run, struct op_conv *op, uint32_t in, const float *weights, const float *bias)
{
        uint64_t size;
        void *packed;
        int r = choose(run, &op->conv);

        if (r < 0)
                return r;
        run->algorithm = op->conv.algorithm->name;
        size = gpu_conv_weights_size(&op->conv);
        packed = xcalloc(size);
        gpu_conv_weights_pack(&op->conv, in, weights, bias, packed);
        r = extra_new(run, size, packed, op->weights_offset, "weights", &op->weights);
        free(packed);
        if (r < 0)
                return r;
        size = gpu_conv_workspace_size(&op->conv);
        if (size) {
                r = workspace_new(run, size, op->workspace_offset, &op->workspace);
                if (r < 0)
                        return r;
        }
        return op_conv(run->program, op);
}

static int run_conv(struct run *run)
{
        const json_t *j = run->json;
        struct op_conv op = {
                .conv = {.in = number(j, "in"),
                         .out = number(j, "out"),
                         .kernel = number(j, "kernel"),
                         .stride = number(j, "stride"),
                         .dilation = number(j, "dilation"),
                         .height = number(j, "height"),
                         .width = number(j, "width"),
                         .dtype = number(j, "half") ? GPU_F16 : GPU_F32,
                         .depthwise = number(j, "depthwise")},
                .activation = number(j, "activation"),
                .scale = real(j, "scale"),
                .relu = number(j, "relu"),
                .weights_offset = number(j, "weights_offset"),
                .workspace_offset = number(j, "workspace_offset"),
        };
        uint32_t in = number(j, "real_in");
        size_t per_output = (op.conv.depthwise ? 1 : in) * op.conv.kernel * op.conv.kernel;
        float *weights, *bias;
        int r = maps_new(run);

        if (r < 0)
                return r;
        op.in = *map(run, "in");
        op.out = *map(run, "out");
        if (number(j, "in_place"))
                op.residual = &op.out;
        else if (slot_find(run, "residual"))
                op.residual = map(run, "residual");
        weights = array(run, op.conv.out * per_output * 4);
        bias = array(run, (size_t)op.conv.out * 4);
        r = conv_record(run, &op, in, weights, bias);
        free(weights);
        free(bias);
        return r;
}

static int run_maxpool(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_maxpool(run->program, map(run, "in"), map(run, "out"));
}

static int run_upsample(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_upsample(run->program, map(run, "in"), map(run, "out"));
}

static int run_gate(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_gate(run->program, map(run, "x"), map(run, "gate"), map(run, "out"));
}

static int run_gram(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_gram(run->program, map(run, "a"), map(run, "b"), map(run, "out"));
}

static int run_softmax(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_softmax(run->program, map(run, "in"), map(run, "out"));
}

static int run_transpose(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_transpose(run->program, map(run, "in"), map(run, "out"));
}

static int run_matmul(struct run *run)
{
        uint64_t offset = number(run->json, "workspace_offset");
        struct gpu_buffer *workspace = NULL;
        uint64_t size;
        int r = maps_new(run);

        if (r < 0)
                return r;
        size = gpu_matmul_workspace_size(run->gpu, map(run, "out")->channels, map(run, "x")->channels);
        if (size) {
                r = workspace_new(run, size, offset, &workspace);
                if (r < 0)
                        return r;
        }
        return op_matmul(run->program, map(run, "matrix"), map(run, "x"), map(run, "out"), workspace, offset);
}

/* A block with these bytes, behind an offset as in a frame's parameters, before and after which there is NaN. */
static int block_new(struct run *run, const char *name, const void *data, uint64_t size, struct gpu_block *ret)
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

/* "regions": two rows to the picture each.  Returns their number. */
static int regions_new(struct run *run, struct gpu_block *ret)
{
        const json_t *json = json_object_get(run->json, "regions");
        const uint32_t count = json_array_size(json);
        struct gpu_region regions[4];
        int r;

        if (count > 4)
                die("too many regions");
        for (uint32_t i = 0; i < count; i++) {
                float rows[2][3];

                for (unsigned k = 0; k < 6; k++)
                        rows[k / 3][k % 3] = (float)json_number_value(
                                json_array_get(json_array_get(json_array_get(json, i), k / 3), k % 3));
                regions[i] = gpu_region_make(rows);
        }
        r = block_new(run, "regions", regions, count * sizeof *regions, ret);
        return r < 0 ? r : (int)count;
}

static int run_crop(struct run *run)
{
        const json_t *j = run->json, *mean = json_object_get(j, "mean"), *std = json_object_get(j, "std");
        struct gpu_normalise normalise = {.bgr = number(j, "bgr")};
        struct gpu_block regions;
        struct gpu_image in;
        int r = maps_new(run);

        for (unsigned i = 0; i < 3; i++) {
                normalise.mean[i] = (float)json_number_value(json_array_get(mean, i));
                normalise.std[i] = (float)json_number_value(json_array_get(std, i));
        }
        if (r >= 0)
                r = image_new(run, "image", true, false, &in);
        if (r >= 0)
                r = regions_new(run, &regions);
        return r < 0 ? r : op_crop(run->program, &in, &regions, r - 1, &normalise, map(run, "out"));
}

/* No operator: the numbers come back as an array. */
static int run_region_whole(struct run *run)
{
        const json_t *j = run->json;
        struct gpu_region region = gpu_region_whole(number(j, "width"), number(j, "height"), number(j, "net_width"),
                                                    number(j, "net_height"));
        struct slot *slot = slot_new(run, "region");

        slot->bytes = slot->size = sizeof region;
        slot->out = true;
        slot->initial = xcalloc(slot->size);
        memcpy(slot->initial, &region, sizeof region);
        return slot_upload(run, slot);
}

static int run_argmax(struct run *run)
{
        struct gpu_labels out;
        int r = maps_new(run);

        if (r >= 0)
                r = labels_new(run, "out", false, true, &out);
        return r < 0 ? r : op_argmax(run->program, map(run, "logits"), number(run->json, "classes"), &out, 0);
}

static int run_uncrop(struct run *run)
{
        const json_t *size = json_object_get(run->json, "in");
        struct gpu_labels in = {NULL, number(size, "width"), number(size, "height")}, out;
        const uint64_t layer = gpu_labels_size(in.width, in.height);
        struct gpu_block regions;
        uint32_t count;
        int r = regions_new(run, &regions);

        count = r;
        if (r >= 0)
                r = bytes_new(run, "in", count * layer, true, false, &in.buffer);
        if (r >= 0)
                r = labels_new(run, "out", false, true, &out);
        return r < 0 ? r : op_uncrop(run->program, &in, &regions, count, &out);
}

static struct gpu_pixels pixels_of(const json_t *json)
{
        struct gpu_pixels pixels = {
                .width = number(json, "width"),
                .height = number(json, "height"),
                .color = number(json, "color"),
                .full_range = number(json, "full_range"),
                .size = number(json, "size"),
        };

        for (unsigned i = 0; i < 3; i++) {
                const json_t *component = json_array_get(json_object_get(json, "component"), i);

                pixels.component[i].offset = number(component, "offset");
                pixels.component[i].stride = number(component, "stride");
                pixels.component[i].step = number(component, "step");
                pixels.component[i].shift_x = number(component, "shift_x");
                pixels.component[i].shift_y = number(component, "shift_y");
        }
        return pixels;
}

static int run_unpack(struct run *run)
{
        struct gpu_pixels pixels = pixels_of(json_object_get(run->json, "pixels"));
        struct gpu_buffer *bytes;
        struct gpu_image out;
        int r = bytes_new(run, "bytes", pixels.size, true, false, &bytes);

        if (r >= 0)
                r = image_new(run, "out", false, true, &out);
        return r < 0 ? r : op_unpack(run->program, bytes, &pixels, &out);
}

static int run_pack(struct run *run)
{
        struct gpu_pixels pixels = pixels_of(json_object_get(run->json, "pixels"));
        struct gpu_buffer *bytes;
        struct gpu_image in;
        int r = image_new(run, "in", true, false, &in);

        if (r >= 0)
                r = bytes_new(run, "bytes", pixels.size, false, true, &bytes);
        return r < 0 ? r : op_pack(run->program, &in, &pixels, bytes);
}

static int run_blur(struct run *run)
{
        const float sigma = real(run->json, "sigma"), sigma_least = real(run->json, "sigma_least");
        const struct gpu_blur blur = gpu_blur_make(sigma, number(run->json, "everywhere"));
        struct gpu_image in, out;
        struct gpu_buffer *scratch;
        struct gpu_labels labels;
        struct gpu_block block;
        int r = image_new(run, "in", true, false, &in);

        if (r >= 0)
                r = labels_new(run, "labels", true, false, &labels);
        if (r >= 0)
                r = workspace_new(run, gpu_blur_scratch_size(in.width, in.height, sigma_least), 0, &scratch);
        if (r >= 0)
                r = image_new(run, "out", false, true, &out);
        if (r >= 0)
                r = block_new(run, "blur", &blur, sizeof blur, &block);
        return r < 0 ? r : op_blur_background(run->program, &in, &labels, &block, sigma_least, scratch, &out);
}

static int run_paint(struct run *run)
{
        bool in_place = number(run->json, "in_place");
        struct gpu_image in, out;
        struct gpu_labels labels;
        struct gpu_block palette = {0};
        int r = image_new(run, "in", true, in_place, &in);

        if (r >= 0)
                r = labels_new(run, "labels", true, false, &labels);
        if (r >= 0)
                r = bytes_new(run, "palette", 1024, true, false, &palette.buffer);
        out = in;
        if (r >= 0 && !in_place)
                r = image_new(run, "out", false, true, &out);
        return r < 0 ? r : op_paint(run->program, &in, &labels, &palette, &out);
}

static int run_warp(struct run *run)
{
        struct gpu_image in, out;
        struct gpu_block region;
        int r = image_new(run, "image", true, false, &in);

        if (r >= 0)
                r = regions_new(run, &region);
        if (r >= 0)
                r = image_new(run, "out", false, true, &out);
        return r < 0 ? r : op_warp(run->program, &in, &region, &out);
}

static int run_copy(struct run *run)
{
        uint64_t size = number(run->json, "size");
        struct gpu_buffer *from, *to;
        int r = bytes_new(run, "from", size, true, false, &from);

        if (r >= 0)
                r = bytes_new(run, "to", size, false, true, &to);
        return r < 0 ? r : op_copy(run->program, from, to, size);
}

static const struct {
        const char *name;
        int (*run)(struct run *run);
} operators[] = {
        {"conv", run_conv},           {"maxpool", run_maxpool},
        {"upsample", run_upsample},   {"gate", run_gate},
        {"gram", run_gram},           {"softmax", run_softmax},
        {"transpose", run_transpose}, {"matmul", run_matmul},
        {"crop", run_crop},           {"region_whole", run_region_whole},
        {"argmax", run_argmax},       {"uncrop", run_uncrop},
        {"unpack", run_unpack},       {"pack", run_pack},
        {"blur", run_blur},           {"paint", run_paint},
        {"warp", run_warp},           {"copy", run_copy},
};

/* ---- one case ---- */

static double now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int run_case(struct run *run, double *ret_ms)
{
        const char *name = json_string_value(json_object_get(run->json, "op"));
        int r = gpu_program_new(run->gpu, name, &run->program);

        if (r < 0)
                return r;
        r = -EINVAL;
        for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
                if (name && !strcmp(operators[i].name, name))
                        r = operators[i].run(run);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < run->n_slots; i++) {
                struct slot *slot = &run->slots[i];

                if (!slot->out)
                        continue;
                r = gpu_buffer_new(run->gpu, slot->size, GPU_MEMORY_READBACK, "readback", &slot->readback);
                if (r >= 0)
                        r = op_copy(run->program, slot->device, slot->readback, slot->size);
                if (r < 0)
                        return r;
        }
        r = gpu_program_end(run->program);
        for (uint32_t i = 0, n = number(run->json, "repeat"); r >= 0 && i < n; i++) {
                double start = now_ms();

                r = gpu_run(run->program);
                *ret_ms = now_ms() - start;
        }
        return r;
}

static void answer(struct run *run, int status, double ms)
{
        json_t *data = json_array();
        json_t *json;
        uint8_t *plain[SLOTS_MAX] = {NULL};
        bool intact = true;

        for (unsigned i = 0; status >= 0 && i < run->n_slots; i++) {
                struct slot *slot = &run->slots[i];
                uint8_t *after;

                if (!slot->out)
                        continue;
                after = gpu_buffer_map(slot->readback);
                plain[i] = xcalloc(slot->bytes);
                if (slot->is_map) {
                        map_move(slot, after, plain[i], false);
                        intact = intact && map_intact(slot, slot->initial, after);
                } else
                        memcpy(plain[i], after, slot->bytes);
                json_array_append_new(data, json_integer((json_int_t)slot->bytes));
        }
        json = json_pack("{s:i, s:b, s:I, s:I, s:s?, s:f, s:o}", "status", status, "intact", intact, "validation",
                         (json_int_t)gpu_validation_messages(run->gpu), "workspace", (json_int_t)run->workspace,
                         "algorithm", run->algorithm, "ms", ms, "data", data);
        json_dumpf(json, run->results, JSON_COMPACT);
        fputc('\n', run->results);
        for (unsigned i = 0; i < run->n_slots; i++)
                if (plain[i]) {
                        fwrite(plain[i], 1, run->slots[i].bytes, run->results);
                        free(plain[i]);
                }
        if (fflush(run->results))
                die("writing the results: %m");
        json_decref(json);
}

static void case_end(struct run *run)
{
        const json_t *data = json_object_get(run->json, "data");

        while (run->next < json_array_size(data))
                free(array(run, 0));
        gpu_program_free(run->program);
        run->program = NULL;
        for (unsigned i = 0; i < run->n_slots; i++) {
                struct slot *slot = &run->slots[i];

                gpu_buffer_free(slot->readback);
                if (slot->shared)
                        continue;
                gpu_buffer_free(slot->device);
                free(slot->initial);
        }
        for (unsigned i = 0; i < run->n_extra; i++)
                gpu_buffer_free(run->extra[i]);
        json_decref(run->json);
        run->n_slots = run->n_extra = 0;
        run->next = 0;
        run->workspace = 0;
        run->algorithm = NULL;
}

int main(int argc, char **argv)
{
        static const struct option long_options[] = {{"device", required_argument, NULL, 'd'},
                                                     {"backend", required_argument, NULL, 'b'},
                                                     {NULL, 0, NULL, 0}};
        struct gpu_options options = {.backend = GPU_BACKEND_SUBGROUP};
        struct run run = {.n_slots = 0};
        char why[512] = "";
        char *line = NULL;
        size_t line_size = 0;
        json_error_t error;
        int r;

        while ((r = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
                if (r == 'd')
                        options.device = optarg;
                else if (r == 'b')
                        options.backend = !strcmp(optarg, "tiled") ? GPU_BACKEND_TILED : GPU_BACKEND_SUBGROUP;
                else
                        return 2;
        if (argc - optind != 2)
                die("usage: gpu-op [--device NAME] [--backend subgroup|tiled] CASES RESULTS");
        run.cases = fopen(argv[optind], "rb");
        run.results = fopen(argv[optind + 1], "wb");
        if (!run.cases || !run.results)
                die("%s, %s: %m", argv[optind], argv[optind + 1]);
        r = gpu_open(&options, &run.gpu, why, sizeof why);
        if (r < 0) {
                fprintf(stderr, "%s\n", why);
                return r == -ENOTSUP ? 77 : 1;
        }
        fprintf(stderr, "%s, %s, %s\n", gpu_info(run.gpu)->name, gpu_info(run.gpu)->driver,
                gpu_backend_name(gpu_backend(run.gpu)));
        while (getline(&line, &line_size, run.cases) >= 0) {
                double ms = 0;

                run.json = json_loads(line, 0, &error);
                if (!run.json)
                        die("case: %s", error.text);
                r = run_case(&run, &ms);
                answer(&run, r, ms);
                case_end(&run);
        }
        gpu_close(run.gpu);
        free(line);
        fclose(run.cases);
        return fclose(run.results) ? 2 : 0;
}
