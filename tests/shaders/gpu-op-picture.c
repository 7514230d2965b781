/* The operators on pictures, labels and bytes. */
#include <string.h>

#include "tests/shaders/gpu-op.h"

/* Two rows to the picture. */
static struct gpu_region region_of(const json_t *json)
{
        float rows[2][3];

        for (unsigned k = 0; k < 6; k++)
                rows[k / 3][k % 3] = (float)json_number_value(json_array_get(json_array_get(json, k / 3), k % 3));
        return gpu_region_make(rows);
}

static int region_new(struct run *run, struct gpu_block *ret)
{
        const struct gpu_region region = region_of(json_object_get(run->json, "region"));

        return block_new(run, "region", &region, sizeof region, ret);
}

static int view_new(struct run *run, struct gpu_block *ret)
{
        const json_t *kept = json_object_get(run->json, "kept"), *moved = json_object_get(run->json, "moved");
        struct gpu_view view = {
                .region = region_of(json_object_get(run->json, "region")),
                .feather = (float)json_number_value(json_object_get(run->json, "feather")),
                .memory = (float)json_number_value(json_object_get(run->json, "memory")),
                .kept_count = json_array_size(kept),
                .kept_feather = 3,
        };

        for (size_t i = 0; i < json_array_size(kept); i++) {
                const struct gpu_region other = region_of(json_array_get(kept, i));
                memcpy(view.kept[i], other.from_picture, sizeof view.kept[i]);
        }
        view.moved_count = json_array_size(moved);
        for (size_t i = 0; i < json_array_size(moved); i++) {
                float *const to[] = {&view.moved[i].x, &view.moved[i].y, &view.moved[i].size, &view.moved[i].by_x,
                                     &view.moved[i].by_y};
                for (size_t k = 0; k < sizeof to / sizeof to[0]; k++)
                        *to[k] = (float)json_number_value(json_array_get(json_array_get(moved, i), k));
        }
        return block_new(run, "view", &view, sizeof view, ret);
}

static int answers_new(struct run *run, const char *name, bool in, bool out, struct gpu_answers *ret)
{
        struct gpu_image image;
        int r = image_new(run, name, in, out, &image);

        *ret = (struct gpu_answers){image.buffer, image.width, image.height};
        return r;
}

static int run_crop(struct run *run)
{
        const json_t *j = run->json, *mean = json_object_get(j, "mean"), *std = json_object_get(j, "std");
        struct gpu_normalise normalise = {.bgr = number(j, "bgr")};
        struct gpu_block region;
        struct gpu_image in;
        int r = maps_new(run);

        for (unsigned i = 0; i < 3; i++) {
                normalise.mean[i] = (float)json_number_value(json_array_get(mean, i));
                normalise.std[i] = (float)json_number_value(json_array_get(std, i));
        }
        if (r >= 0)
                r = image_new(run, "image", true, false, &in);
        if (r >= 0)
                r = region_new(run, &region);
        return r < 0 ? r : op_crop(run->program, &in, &region, &normalise, map(run, "out"));
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
        struct gpu_answers out;
        int r = maps_new(run);

        if (r >= 0)
                r = answers_new(run, "out", false, true, &out);
        return r < 0 ? r : op_argmax(run->program, map(run, "logits"), number(run->json, "classes"), &out);
}

static int run_place(struct run *run)
{
        const bool moved = json_object_get(run->json, "moved");
        struct gpu_answers answers, before, map;
        struct gpu_image image;
        struct gpu_block view;
        int r = answers_new(run, "answers", true, false, &answers);

        if (r >= 0)
                r = image_new(run, "image", true, false, &image);
        if (r >= 0)
                r = answers_new(run, "map", true, !moved, &before);
        if (r >= 0)
                r = view_new(run, &view);
        if (r < 0)
                return r;
        if (!moved)
                return op_place(run->program, &answers, &view, &image, &before, &before);
        r = answers_new(run, "map", false, true, &map);
        return r < 0 ? r : op_place(run->program, &answers, &view, &image, &before, &map);
}

static int run_view_whole(struct run *run)
{
        const json_t *j = run->json;
        const struct gpu_view view = gpu_view_whole(number(j, "width"), number(j, "height"), number(j, "net_width"),
                                                    number(j, "net_height"));
        const struct gpu_region region = gpu_region_whole(number(j, "width"), number(j, "height"),
                                                          number(j, "net_width"), number(j, "net_height"));

        if (memcmp(&view.region, &region, sizeof region) != 0 || view.memory != 0 || view.kept_count != 0)
                die("gpu_view_whole() is wrong");
        return run_region_whole(run);
}

static int run_labels(struct run *run)
{
        struct gpu_answers map;
        struct gpu_labels out;
        int r = answers_new(run, "map", true, false, &map);

        if (r >= 0)
                r = labels_new(run, "out", false, true, &out);
        return r < 0 ? r : op_labels(run->program, &map, &out);
}

static int run_mask(struct run *run)
{
        struct gpu_answers map;
        struct gpu_labels out;
        int r = answers_new(run, "map", true, false, &map);

        if (r >= 0)
                r = labels_new(run, "out", false, true, &out);
        return r < 0 ? r : op_mask(run->program, &map, &(struct gpu_mask){out.buffer, out.width, out.height});
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

static int mask_new(struct run *run, const char *name, bool given, bool out, struct gpu_mask *ret)
{
        struct gpu_labels bytes;
        int r = labels_new(run, name, given, out, &bytes);

        *ret = (struct gpu_mask){bytes.buffer, bytes.width, bytes.height};
        return r;
}

static int run_guide(struct run *run)
{
        struct gpu_image image;
        struct gpu_buffer *scratch;
        struct gpu_mask in, out;
        int r = image_new(run, "image", true, false, &image);

        if (r >= 0)
                r = mask_new(run, "in", true, false, &in);
        if (r >= 0)
                r = workspace_new(run, gpu_guide_scratch_size(image.width, image.height), 0, &scratch);
        if (r >= 0)
                r = mask_new(run, "out", false, true, &out);
        return r < 0 ? r : op_guide(run->program, &image, &in, scratch, &out);
}

static int run_blur(struct run *run)
{
        const float sigma = real(run->json, "sigma"), sigma_least = real(run->json, "sigma_least");
        const struct gpu_blur blur = gpu_blur_make(sigma);
        struct gpu_image in, out;
        struct gpu_buffer *scratch;
        struct gpu_mask mask;
        struct gpu_block block;
        int r = image_new(run, "in", true, false, &in);

        if (r >= 0)
                r = mask_new(run, "mask", true, false, &mask);
        if (r >= 0)
                r = workspace_new(run, gpu_blur_scratch_size(in.width, in.height, sigma_least), 0, &scratch);
        if (r >= 0)
                r = image_new(run, "out", false, true, &out);
        if (r >= 0)
                r = block_new(run, "blur", &blur, sizeof blur, &block);
        return r < 0 ? r : op_blur_background(run->program, &in, &mask, &block, sigma_least, scratch, &out);
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
                r = region_new(run, &region);
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

/* clang-format off */
const struct operator picture_operators[] = {
        {"crop", run_crop},
        {"region_whole", run_view_whole},
        {"argmax", run_argmax},
        {"place", run_place},
        {"labels", run_labels},
        {"mask", run_mask},
        {"unpack", run_unpack},
        {"pack", run_pack},
        {"guide", run_guide},
        {"blur", run_blur},
        {"paint", run_paint},
        {"warp", run_warp},
        {"copy", run_copy},
        {NULL},
};
/* clang-format on */
