#include <math.h>

#include "shaders/glsl/blur_cells.kernel.h"
#include "shaders/glsl/blur_mix.kernel.h"
#include "shaders/glsl/blur_spread.kernel.h"
#include "shaders/glsl/picture-params.h"
#include "shaders/image.h"
#include "shaders/ops/operand.h"

/* Sigma is at least so many sides of a cell.  With larger cells, their grid would show; the comparison with an exact
 * Gaussian in tests/shaders/cases_picture.py limits that. */
#define SIGMA_CELLS 2.5f

static uint32_t cell_shift(float sigma)
{
        return sigma < 2 * SIGMA_CELLS ? 0 : (uint32_t)log2f(sigma / SIGMA_CELLS);
}

/* In cells.  Averaging over a cell and interpolating between cells already blur by half a cell. */
static float cell_sigma(float sigma)
{
        const uint32_t shift = cell_shift(sigma);

        return sqrtf(ldexpf(sigma * sigma, -2 * (int)shift) - (shift ? 0.25f : 0));
}

struct gpu_blur gpu_blur_make(float sigma)
{
        const float cells = cell_sigma(sigma);

        return (struct gpu_blur){cell_shift(sigma), ceilf(2.5f * cells), expf(-0.5f / (cells * cells)), 0};
}

static uint64_t cell_count(uint32_t width, uint32_t height, uint32_t shift)
{
        return (uint64_t)(((width - 1) >> shift) + 3) * (((height - 1) >> shift) + 3);
}

/* A cell is four numbers, 16 bytes. */
static uint64_t cells_size(uint32_t width, uint32_t height, float sigma_least)
{
        return align_up(16 * cell_count(width, height, cell_shift(sigma_least)), GPU_BLOCK_ALIGN);
}

uint64_t gpu_blur_scratch_size(uint32_t width, uint32_t height, float sigma_least)
{
        return 3 * cells_size(width, height, sigma_least);
}

int op_blur_background(struct gpu_program *program, const struct gpu_image *in, const struct gpu_mask *mask,
                       const struct gpu_block *blur, float sigma_least, struct gpu_buffer *scratch,
                       const struct gpu_image *out)
{
        const uint64_t size = cells_size(in->width, in->height, sigma_least);
        const struct operand own = {scratch, 0, size, FORMAT_F32}, blurred = {scratch, size, size, FORMAT_F32};
        const struct operand across = {scratch, 2 * size, size, FORMAT_F32}, both = {scratch, 0, 2 * size, FORMAT_F32};
        const struct operand settings = block_operand(blur, sizeof(struct gpu_blur));
        /* One recording serves every sigma.  There is an invocation for each cell of 4 x 4 pixels; if the cells are
         * smaller, each invocation gets several. */
        const uint32_t groups = divide_up(cell_count(in->width, in->height, 2), WORKGROUP);

        const struct blur_params params = {{in->width, in->height}, groups * WORKGROUP, size / 16};
        struct dispatch steps[] = {
                {.kernel = &kernel_blur_cells,
                 .operands = {image_pixels(in), mask_words(mask), settings, [RESULT] = own},
                 .groups = {groups, 1, 1},
                 .cost = 40.0 * in->width * in->height},
                {.kernel = &kernel_blur_spread,
                 .operands = {own, settings, [RESULT] = across},
                 .groups = {groups, 1, 1},
                 .cost = 400.0 * size / 16},
                {.kernel = &kernel_blur_spread,
                 .constants = {[BLUR_DOWN] = 1},
                 .operands = {across, settings, [RESULT] = blurred},
                 .groups = {groups, 1, 1},
                 .cost = 400.0 * size / 16},
                {.kernel = &kernel_blur_mix,
                 .operands = {image_words(in), mask_words(mask), both, settings, [RESULT] = image_words(out)},
                 .groups = {LINEAR_GROUPS(image_fours(in))},
                 .cost = 100.0 * in->width * in->height},
        };
        return dispatch_steps(program, steps, sizeof steps / sizeof *steps, &params, sizeof params);
}
