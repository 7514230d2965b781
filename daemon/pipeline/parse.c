#include "daemon/pipeline/parse.h"

static int allocate(struct parse *parse, struct gpu *gpu)
{
        const uint64_t image = gpu_image_size(parse->image.width, parse->image.height);
        const uint64_t answers = gpu_image_size(parse->answers.width, parse->answers.height);
        const uint64_t labels = gpu_labels_size(parse->labels.width, parse->labels.height);
        const struct {
                uint64_t size;
                enum gpu_memory memory;
                const char *name;
                struct gpu_buffer **ret;
        } buffers[] = {
                {image, GPU_MEMORY_DEVICE, "parsed image", &parse->image.buffer},
                {GPU_VIEW_SIZE, GPU_MEMORY_DEVICE, "view", &parse->view},
                {answers, GPU_MEMORY_DEVICE, "answers", &parse->answers.buffer},
                {image, GPU_MEMORY_DEVICE, "map", &parse->map.buffer},
                {image, GPU_MEMORY_DEVICE, "map before", &parse->before.buffer},
                {labels, GPU_MEMORY_DEVICE, "labels", &parse->labels.buffer},
                {labels, GPU_MEMORY_DEVICE, "mask", &parse->mask.buffer},
                {labels, GPU_MEMORY_READBACK, "labels read", &parse->labels_read},
                {answers, GPU_MEMORY_READBACK, "answers read", &parse->answers_read},
        };
        int r = 0;

        for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && r == 0; i++)
                r = gpu_buffer_new(gpu, buffers[i].size, buffers[i].memory, buffers[i].name, buffers[i].ret);
        return r;
}

static int record(struct parse *parse, const struct engine *engine)
{
        const struct gpu_block view = {parse->view};

        int r = gpu_program_new(engine->gpu, "parse", &parse->program);
        if (r < 0)
                return r;
        gpu_program_set_background(parse->program);
        parser_record(engine->parser, parse->program, &parse->image, &view, &parse->answers);
        op_copy(parse->program, parse->map.buffer, parse->before.buffer, gpu_buffer_size(parse->map.buffer));
        op_place(parse->program, &parse->answers, &view, &parse->image, &parse->before, &parse->map);
        op_labels(parse->program, &parse->map, &parse->labels);
        op_mask(parse->program, &parse->map, &parse->mask);
        op_copy(parse->program, parse->labels.buffer, parse->labels_read, gpu_buffer_size(parse->labels.buffer));
        op_copy(parse->program, parse->answers.buffer, parse->answers_read, gpu_buffer_size(parse->answers.buffer));
        return gpu_program_end(parse->program);
}

int parse_init(struct parse *parse, const struct engine *engine, uint32_t width, uint32_t height)
{
        *parse = (struct parse){
                .image = {NULL, width, height},
                .answers = {NULL, engine->model.width, engine->model.height},
                .map = {NULL, width, height},
                .before = {NULL, width, height},
                .labels = {NULL, width, height},
                .mask = {NULL, width, height},
        };
        int r = allocate(parse, engine->gpu);
        return r < 0 ? r : record(parse, engine);
}

void parse_finish(struct parse *parse)
{
        gpu_program_free(parse->program);
        gpu_buffer_free(parse->image.buffer);
        gpu_buffer_free(parse->view);
        gpu_buffer_free(parse->answers.buffer);
        gpu_buffer_free(parse->map.buffer);
        gpu_buffer_free(parse->before.buffer);
        gpu_buffer_free(parse->labels.buffer);
        gpu_buffer_free(parse->mask.buffer);
        gpu_buffer_free(parse->labels_read);
        gpu_buffer_free(parse->answers_read);
}
