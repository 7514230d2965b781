#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/evaluation/still.h"
#include "daemon/pipeline/palette.h"

static void fill_parameters(struct still *s)
{
        const struct model_info *model = &s->engine->model;
        uint8_t *parameters = gpu_buffer_map(s->parameters);

        *(struct gpu_view *)parameters = gpu_view_whole(s->image.width, s->image.height, model->width, model->height);
        palette_fill_overlay(model, parameters + GPU_VIEW_SIZE);
}

static int allocate(struct still *s, uint32_t width, uint32_t height)
{
        const struct model_info *model = &s->engine->model;
        struct gpu *gpu = s->engine->gpu;
        const uint64_t image = gpu_image_size(width, height), labels = gpu_labels_size(width, height);
        const uint64_t answers = gpu_image_size(model->width, model->height);
        const struct {
                uint64_t size;
                enum gpu_memory memory;
                const char *name;
                struct gpu_buffer **ret;
        } buffers[] = {
                {image, GPU_MEMORY_UPLOAD, "upload", &s->upload},
                {image, GPU_MEMORY_DEVICE, "image", &s->image.buffer},
                {image, GPU_MEMORY_DEVICE, "overlay", &s->overlay.buffer},
                {answers, GPU_MEMORY_DEVICE, "answers", &s->answers.buffer},
                {image, GPU_MEMORY_DEVICE, "map", &s->map.buffer},
                {labels, GPU_MEMORY_DEVICE, "labels", &s->labels.buffer},
                {labels, GPU_MEMORY_READBACK, "labels read", &s->labels_read},
                {image, GPU_MEMORY_READBACK, "overlay read", &s->overlay_read},
                {GPU_VIEW_SIZE + GPU_PALETTE_SIZE, GPU_MEMORY_UPLOAD, "parameters", &s->parameters},
        };

        for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
                int r = gpu_buffer_new(gpu, buffers[i].size, buffers[i].memory, buffers[i].name, buffers[i].ret);
                if (r < 0)
                        return r;
        }
        s->answers.width = model->width;
        s->answers.height = model->height;
        s->image.width = s->map.width = s->overlay.width = s->labels.width = width;
        s->image.height = s->map.height = s->overlay.height = s->labels.height = height;
        fill_parameters(s);
        return 0;
}

static int record(struct still *s)
{
        const struct gpu_block view = {s->parameters, 0}, palette = {s->parameters, GPU_VIEW_SIZE};

        int r = gpu_program_new(s->engine->gpu, "still", &s->program);
        if (r < 0)
                return r;
        op_copy(s->program, s->upload, s->image.buffer, gpu_buffer_size(s->upload));
        parser_record(s->engine->parser, s->program, &s->image, &view, &s->answers);
        op_place(s->program, &s->answers, &view, &s->image, &s->map, &s->map);
        op_labels(s->program, &s->map, &s->labels);
        op_paint(s->program, &s->image, &s->labels, &palette, &s->overlay);
        op_copy(s->program, s->labels.buffer, s->labels_read, gpu_buffer_size(s->labels.buffer));
        op_copy(s->program, s->overlay.buffer, s->overlay_read, gpu_buffer_size(s->overlay.buffer));
        return gpu_program_end(s->program);
}

int still_parse(struct still *s, const struct picture *picture, char *why, size_t why_size)
{
        int r = 0;

        if (s->image.width != picture->width || s->image.height != picture->height || !s->program) {
                still_finish(s);
                r = engine_fit(s->engine, picture->width, picture->height, why, why_size);
                if (r < 0)
                        return r;
                r = allocate(s, picture->width, picture->height);
                if (r == 0)
                        r = record(s);
        }
        if (r == 0) {
                memcpy(gpu_buffer_map(s->upload), picture->rgba, (size_t)picture->width * picture->height * 4);
                r = gpu_run(s->program);
        }
        if (r == -ENODEV)
                snprintf(why, why_size, "the GPU is lost");
        else if (r < 0)
                snprintf(why, why_size, "%ux%u is too large for this GPU (%s)", picture->width, picture->height,
                         strerror(-r));
        if (r < 0)
                still_finish(s);
        return r;
}

const uint8_t *still_labels(const struct still *s)
{
        return gpu_buffer_map(s->labels_read);
}

const uint8_t *still_overlay(const struct still *s)
{
        return gpu_buffer_map(s->overlay_read);
}

void still_finish(struct still *s)
{
        struct gpu_buffer *buffers[] = {s->upload,         s->image.buffer, s->overlay.buffer,
                                        s->answers.buffer, s->map.buffer,   s->labels.buffer,
                                        s->labels_read,    s->overlay_read, s->parameters};

        gpu_program_free(s->program);
        for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
                gpu_buffer_free(buffers[i]);
        *s = (struct still){.engine = s->engine};
}
