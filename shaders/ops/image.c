#include "shaders/glsl/paint.kernel.h"
#include "shaders/glsl/picture-params.h"
#include "shaders/image.h"
#include "shaders/ops/operand.h"

int op_paint(struct gpu_program *program, const struct gpu_image *in, const struct gpu_labels *labels,
             const struct gpu_block *palette, const struct gpu_image *out)
{
        const struct effect_params params = {{in->width, in->height}};

        return program_dispatch(program,
                                &(struct dispatch){
                                        .kernel = &kernel_paint,
                                        .operands = {image_words(in),
                                                     labels_words(labels),
                                                     {palette->buffer, palette->offset, GPU_PALETTE_SIZE, FORMAT_WORD},
                                                     [RESULT] = image_words(out)},
                                        .push = &params,
                                        .push_size = sizeof params,
                                        .groups = {LINEAR_GROUPS(image_fours(in))},
                                        .cost = 30.0 * in->width * in->height,
                                });
}

int op_copy(struct gpu_program *program, struct gpu_buffer *from, struct gpu_buffer *to, uint64_t size)
{
        return program_copy(program, from, 0, to, 0, size);
}
