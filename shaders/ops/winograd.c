/* Winograd F(4x4, 3x3): a quarter of the multiplications, at the price of two transforms.  The transformed input and
 * output are in a workspace that holds one strip of tiles at a time. */
#include "shaders/glsl/winograd_in.kernel.h"
#include "shaders/glsl/winograd_out.kernel.h"
#include "shaders/ops/conv.h"
#include "shaders/ops/tiling.h"

/* Only in 32 bits: the range of the transformed values is too wide for 16. */
static bool fits(const struct gpu_conv *conv)
{
        return !conv->depthwise && conv->kernel == 3 && conv->stride == 1 && conv->dtype == GPU_F32;
}

static bool fits_subgroup(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return fits(conv) && conv_fits_subgroup(caps, conv, POINTS);
}

/* The least that Vulkan permits.  GPUs with no more than that have too few registers for the 36 numbers of a transform,
 * too: docs/GPUS.md. */
enum { SHARED_MEMORY_OF_SMALL_GPUS = 1 << 14 };

static bool fits_tiled(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return fits(conv) && conv_matrix_size(conv, POINTS) <= caps->storage_range &&
               caps->shared_memory > SHARED_MEMORY_OF_SMALL_GPUS;
}

static uint64_t weights_size(const struct gpu_conv *conv)
{
        return conv_weights_size(conv, POINTS);
}

/* G g G^T of one 3x3 kernel. */
static void transform(const float g[9], float ret[POINTS])
{
        static const double G[6][3] = {{1. / 4, 0, 0},
                                       {-1. / 6, -1. / 6, -1. / 6},
                                       {-1. / 6, 1. / 6, -1. / 6},
                                       {1. / 24, 1. / 12, 1. / 6},
                                       {1. / 24, -1. / 12, 1. / 6},
                                       {0, 0, 1}};
        double half[6][3];

        for (int i = 0; i < 6; i++)
                for (int j = 0; j < 3; j++)
                        half[i][j] = G[i][0] * g[j] + G[i][1] * g[3 + j] + G[i][2] * g[6 + j];
        for (int i = 0; i < 6; i++)
                for (int j = 0; j < 6; j++)
                        ret[i * 6 + j] = half[i][0] * G[j][0] + half[i][1] * G[j][1] + half[i][2] * G[j][2];
}

/* [36][out / 8][in / 4][8][4] */
static void pack(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias, void *ret)
{
        const uint64_t matrix = conv_rows(conv) * conv->in;
        float points[POINTS], *out = ret;

        conv_pack_bias(conv, POINTS, bias, ret);
        for (uint32_t o = 0; o < conv->out; o++)
                for (uint32_t i = 0; i < in; i++) {
                        transform(weights + ((uint64_t)o * in + i) * 9, points);
                        uint64_t at = (((uint64_t)(o / 8) * (conv->in / 4) + i / 4) * 8 + o % 8) * 4 + i % 4;
                        for (int p = 0; p < POINTS; p++)
                                out[p * matrix + at] = points[p];
                }
}

/* How many of a strip's tiles a workgroup transforms; see winograd.glsl. */
static uint32_t tiles_of_group(const struct gpu_program *program)
{
        return program->gpu->reading == READ_TEXELS ? SUBGROUP : WORKGROUP / 4;
}

static int transform_in(struct gpu_program *program, const struct op_conv *op, const struct tiling_params *tiling,
                        const struct operand *result)
{
        struct winograd_in_params params = {
                .size = {op->in.width, op->in.height},
                .tiling = *tiling,
                .source = push_map(&op->in),
                .groups = op->conv.in / 4,
        };

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = &kernel_winograd_in,
                                                 .operands = {map_operand(&op->in), [RESULT] = *result},
                                                 .push = &params,
                                                 .push_size = sizeof params,
                                                 .groups = {tiling->strip / tiles_of_group(program), params.groups, 1},
                                                 .cost = 600.0 * tiling->strip * op->conv.in,
                                         });
}

static int multiply(struct gpu_program *program, const struct conv_kernel *kernel, const struct op_conv *op,
                    const struct tiling_params *tiling, const struct operand *source, const struct operand *result)
{
        const int32_t groups = op->conv.in / 4, out_groups = map_groups(&op->out);

        return conv_dispatch(program, kernel,
                             &(struct conv_dispatch){
                                     .taps = 1,
                                     .pointwise = 1,
                                     .batch = POINTS,
                                     .source = *source,
                                     .matrix = conv_matrix(op, POINTS),
                                     .bias = conv_bias(op, POINTS),
                                     .residual = conv_bias(op, POINTS),
                                     .result = *result,
                                     .params = {.out_pixels = tiling->strip,
                                                .groups = groups,
                                                .out_groups = out_groups,
                                                .share = groups,
                                                .source = {0, groups},
                                                .result = {0, out_groups},
                                                .source_batch = tiling->strip * groups,
                                                .weights_batch = conv_rows(&op->conv) * groups,
                                                .result_batch = tiling->strip * out_groups,
                                                .epilogue = {.activation = push_activation(GPU_LINEAR),
                                                             .scale = 1,
                                                             .final_slope = 1}},
                             });
}

static int transform_out(struct gpu_program *program, const struct op_conv *op, const struct tiling_params *tiling,
                         const struct operand *source)
{
        struct winograd_out_params params = {
                .size = {op->out.width, op->out.height},
                .tiling = *tiling,
                .out_groups = map_groups(&op->out),
                .result = push_map(&op->out),
                .residual = push_map(op->residual ? op->residual : &op->out),
                .epilogue = conv_epilogue(op),
        };

        return program_dispatch(
                program,
                &(struct dispatch){
                        .kernel = &kernel_winograd_out,
                        .constants = {[EPILOGUE_BIAS] = !op->unbiased, [EPILOGUE_RESIDUAL] = op->residual != NULL},
                        .operands =
                                {*source, {0}, conv_bias(op, POINTS), conv_residual(op, POINTS), map_operand(&op->out)},
                        .push = &params,
                        .push_size = sizeof params,
                        .groups = {tiling->strip / tiles_of_group(program), params.out_groups, 1},
                        .cost = 300.0 * tiling->strip * op->conv.out,
                });
}

static int record(struct gpu_program *program, const struct conv_kernel *kernel, const struct op_conv *op)
{
        struct tiling_params tiling = tiling_of(&op->conv);
        const uint32_t total = tiling_total(&tiling);
        struct operand before = {op->workspace, op->workspace_offset, tiling_size(&tiling, op->conv.in), FORMAT_F32};
        struct operand after = {op->workspace, op->workspace_offset + align_up(before.size, 256),
                                tiling_size(&tiling, op->conv.out), FORMAT_F32};
        int r = 0;

        for (; r == 0 && (uint32_t)tiling.first < total; tiling.first += tiling.strip) {
                r = transform_in(program, op, &tiling, &before);
                if (r == 0)
                        r = multiply(program, kernel, op, &tiling, &before, &after);
                if (r == 0)
                        r = transform_out(program, op, &tiling, &after);
        }
        return r;
}

static int record_subgroup(struct gpu_program *program, const struct op_conv *op)
{
        return record(program, &conv_subgroup_kernel, op);
}

static int record_tiled(struct gpu_program *program, const struct op_conv *op)
{
        const struct tiling_params tiling = tiling_of(&op->conv);

        return record(program, conv_tiled_kernel(&program->gpu->caps, tiling.strip, op->conv.out, POINTS), op);
}

const struct conv_algorithm conv_subgroup_winograd = {
        .name = "subgroup-winograd",
        .backend = GPU_BACKEND_SUBGROUP,
        .fits = fits_subgroup,
        .pays = winograd_pays,
        .weights_size = weights_size,
        .workspace_size = winograd_workspace,
        .pack = pack,
        .record = record_subgroup,
};

const struct conv_algorithm conv_tiled_winograd = {
        .name = "tiled-winograd",
        .backend = GPU_BACKEND_TILED,
        .fits = fits_tiled,
        .pays = winograd_pays,
        .weights_size = weights_size,
        .workspace_size = winograd_workspace,
        .pack = pack,
        .record = record_tiled,
};
