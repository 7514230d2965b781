#include "shaders/glsl/guide_apply.kernel.h"
#include "shaders/glsl/guide_cells.kernel.h"
#include "shaders/glsl/guide_fit.kernel.h"
#include "shaders/glsl/guide_smooth.kernel.h"
#include "shaders/glsl/picture-params.h"
#include "shaders/image.h"
#include "shaders/ops/operand.h"

/* A cell's side for every PER_SIDE pixels of the picture's longer side: masks get coarser as pictures get larger.  It
 * is a multiple of two words of pixels, so that no word has a cell's centre in it. */
#define SIDE 8
#define PER_SIDE 640
#define PLANES 4

static struct guide_params params_of(uint32_t width, uint32_t height)
{
        const uint32_t longer = width > height ? width : height, sides = (longer + PER_SIDE / 2) / PER_SIDE;
        const uint32_t side = SIDE * (sides ? sides : 1);

        return (struct guide_params){
                .size = {width, height},
                .count = {divide_up(width, side), divide_up(height, side)},
                .side = side,
        };
}

static uint32_t cell_count(const struct guide_params *params)
{
        return params->count[0] * params->count[1];
}

static uint64_t plane_size(const struct guide_params *params)
{
        return align_up(16 * cell_count(params), GPU_BLOCK_ALIGN);
}

uint64_t gpu_guide_scratch_size(uint32_t width, uint32_t height)
{
        const struct guide_params params = params_of(width, height);

        return (PLANES + 1) * plane_size(&params);
}

int op_guide(struct gpu_program *program, const struct gpu_image *image, const struct gpu_mask *in,
             struct gpu_buffer *scratch, const struct gpu_mask *out)
{
        const struct guide_params params = params_of(image->width, image->height);
        const uint64_t plane = plane_size(&params);
        const uint32_t cells = cell_count(&params);
        const struct operand means = {scratch, 0, PLANES * plane, FORMAT_F32}, smooth = {scratch, 0, plane, FORMAT_F32};
        const struct operand functions = {scratch, PLANES * plane, plane, FORMAT_F32};
        struct dispatch steps[] = {
                {.kernel = &kernel_guide_cells,
                 .operands = {image_pixels(image), mask_words(in), [RESULT] = means},
                 .groups = {LINEAR_GROUPS(cells)},
                 .cost = 1000.0 * cells},
                {.kernel = &kernel_guide_fit,
                 .operands = {means, [RESULT] = functions},
                 .groups = {LINEAR_GROUPS(cells)},
                 .cost = 1000.0 * cells},
                {.kernel = &kernel_guide_smooth,
                 .operands = {functions, [RESULT] = smooth},
                 .groups = {LINEAR_GROUPS(cells)},
                 .cost = 300.0 * cells},
                {.kernel = &kernel_guide_apply,
                 .constants = {[GUIDE_WHOLE] = image->width % 4 == 0},
                 .operands = {image_words(image), smooth, [RESULT] = mask_operand(out)},
                 .groups = {LINEAR_GROUPS(image_fours(image))},
                 .cost = 40.0 * image->width * image->height},
        };
        return dispatch_steps(program, steps, sizeof steps / sizeof *steps, &params, sizeof params);
}
