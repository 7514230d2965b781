/* Winograd F(4x4, 3x3): a quarter of the multiplications, at the price of two transforms.  The transformed input and
 * output lie in a working memory that holds a strip of tiles at a time. */
#include "shaders/conv.h"

enum { POINTS = 36 };

/* A strip should stay in a core's cache from one transform to the other: larger ones measured slower, up to 1.6 times.
 */
static const uint64_t workspace_most = 4 << 20;

struct tiling {
        int32_t across, down, dilation, first, strip;
};

static uint32_t total_tiles(const struct tiling *tiling)
{
        return tiling->across * tiling->down * tiling->dilation * tiling->dilation;
}

static uint32_t padded_tiles(const struct tiling *tiling)
{
        return align_up(total_tiles(tiling), 32);
}

static uint64_t tile_bytes(const struct gpu_conv *conv)
{
        return (uint64_t)POINTS * (conv->in + align_up(conv->out, 4)) * sizeof(float);
}

static struct tiling tiling_of(const struct gpu_conv *conv)
{
        struct tiling t = {
                .across = divide_up(divide_up(conv->width, conv->dilation), 4),
                .down = divide_up(divide_up(conv->height, conv->dilation), 4),
                .dilation = conv->dilation,
        };
        uint64_t most = workspace_most / tile_bytes(conv) / 32 * 32, all = padded_tiles(&t);

        t.strip = all <= most ? all : most ? most : 32;
        return t;
}

/* Against the direct way a quarter of the products, plus transforms that weigh as much as 30 / channels of it (fitted
 * to measurements of 32 to 512 channels at 8 to 128 pixels), both growing with the tiles that pad the picture. */
bool winograd_pays(const struct gpu_conv *conv)
{
        const struct tiling tiling = tiling_of(conv);
        const uint64_t channels = conv->in < conv->out ? conv->in : conv->out;
        const uint64_t computed = padded_tiles(&tiling) * UINT64_C(16), wanted = (uint64_t)conv->height * conv->width;

        return computed * (channels + 120) < wanted * 4 * channels;
}

static uint64_t transformed_size(const struct tiling *tiling, uint32_t channels)
{
        return (uint64_t)POINTS * tiling->strip * align_up(channels, 4) * sizeof(float);
}

uint64_t winograd_workspace(const struct gpu_conv *conv)
{
        struct tiling tiling = tiling_of(conv);

        return align_up(transformed_size(&tiling, conv->in), 256) + transformed_size(&tiling, conv->out);
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
void winograd_pack(const struct gpu_conv *conv, uint32_t in, const float *weights, float *ret)
{
        const uint64_t matrix = conv_rows(conv) * conv->in;
        float points[POINTS];

        for (uint32_t o = 0; o < conv->out; o++)
                for (uint32_t i = 0; i < in; i++) {
                        transform(weights + ((uint64_t)o * in + i) * 9, points);
                        uint64_t at = (((uint64_t)(o / 8) * (conv->in / 4) + i / 4) * 8 + o % 8) * 4 + i % 4;
                        for (int p = 0; p < POINTS; p++)
                                ret[p * matrix + at] = points[p];
                }
}

static int transform_in(struct gpu_program *program, const struct op_conv *op, const struct tiling *tiling,
                        const struct operand *result)
{
        struct {
                struct push_size size;
                struct tiling tiling;
                struct push_map source;
                int32_t groups;
        } push = {{op->in.width, op->in.height}, *tiling, push_map(&op->in), op->conv.in / 4};

        return program_dispatch(program, &(struct dispatch){
                                                 .kernel = KERNEL_WINOGRAD_IN,
                                                 .operands = {map_operand(&op->in), [4] = *result},
                                                 .push = &push,
                                                 .push_size = sizeof push,
                                                 .groups = {tiling->strip / 8, push.groups, 1},
                                                 .cost = 600.0 * tiling->strip * op->conv.in,
                                         });
}

static int multiply(struct gpu_program *program, const struct op_conv *op, const struct tiling *tiling,
                    const struct operand *source, const struct operand *result)
{
        const struct gpu *gpu = program->gpu;
        const int32_t groups = op->conv.in / 4, out_groups = map_groups(&op->out);

        return conv_dispatch(
                program,
                &(struct conv_dispatch){
                        .taps = 1,
                        .pointwise = 1,
                        .batch = POINTS,
                        .source = *source,
                        .matrix = conv_matrix(gpu, op),
                        .bias = conv_bias(gpu, op),
                        .residual = conv_bias(gpu, op),
                        .result = *result,
                        .push = {.out_pixels = tiling->strip,
                                 .groups = groups,
                                 .out_groups = out_groups,
                                 .source = {0, groups},
                                 .result = {0, out_groups},
                                 .source_batch = tiling->strip * groups,
                                 .weights_batch = conv_rows(&op->conv) * groups,
                                 .result_batch = tiling->strip * out_groups,
                                 .epilogue = {.activation = push_activation(GPU_LINEAR), .scale = 1, .final_slope = 1}},
                });
}

static int transform_out(struct gpu_program *program, const struct op_conv *op, const struct tiling *tiling,
                         const struct operand *source)
{
        const struct gpu *gpu = program->gpu;
        struct {
                struct push_size size;
                struct tiling tiling;
                int32_t out_groups;
                struct push_map result, residual;
                struct push_epilogue epilogue;
        } push = {{op->out.width, op->out.height},
                  *tiling,
                  map_groups(&op->out),
                  push_map(&op->out),
                  push_map(op->residual ? op->residual : &op->out),
                  conv_epilogue(op)};

        return program_dispatch(
                program,
                &(struct dispatch){
                        .kernel = KERNEL_WINOGRAD_OUT,
                        .operands = {*source, {0}, conv_bias(gpu, op), conv_residual(gpu, op), map_operand(&op->out)},
                        .push = &push,
                        .push_size = sizeof push,
                        .groups = {tiling->strip / 8, push.out_groups, 1},
                        .cost = 300.0 * tiling->strip * op->conv.out,
                });
}

int winograd(struct gpu_program *program, const struct op_conv *op)
{
        struct tiling tiling = tiling_of(&op->conv);
        const uint32_t total = total_tiles(&tiling);
        struct operand before = {op->workspace, op->workspace_offset, transformed_size(&tiling, op->conv.in),
                                 FORMAT_F32};
        struct operand after = {op->workspace, op->workspace_offset + align_up(before.size, 256),
                                transformed_size(&tiling, op->conv.out), FORMAT_F32};
        int r = 0;

        for (; r == 0 && (uint32_t)tiling.first < total; tiling.first += tiling.strip) {
                r = transform_in(program, op, &tiling, &before);
                if (r == 0)
                        r = multiply(program, op, &tiling, &before, &after);
                if (r == 0)
                        r = transform_out(program, op, &tiling, &after);
        }
        return r;
}
