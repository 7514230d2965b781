/* A convolution of a small map with many channels has too few tiles to keep a GPU busy.  Here the sum over the input
 * channels is split, several workgroups compute a tile's shares of it, and a second kernel adds them ("split K" in the
 * literature on products of matrices). */
#include "shaders/glsl/conv_sum.kernel.h"
#include "shaders/ops/conv.h"

/* Small tiles that keep a GPU of medium size busy. */
enum { BUSY = 128 };

enum { SHARES_MOST = 8 };

/* Taps times groups of input channels: with fewer in a share, a sum is shorter than what adding it costs. */
enum { SHARE_LEAST = 16 };

/* The smallest number that keeps a GPU busy, or else the largest one. */
static uint32_t count_shares(const struct gpu_conv *conv)
{
        const uint32_t tiles = conv_small_tiles(conv), groups = conv->in / 4, taps = conv->kernel * conv->kernel;
        uint32_t shares = 1;

        while (shares < SHARES_MOST && shares * tiles < BUSY && groups % (2 * shares) == 0 &&
               groups / (2 * shares) * taps >= SHARE_LEAST)
                shares *= 2;
        return shares;
}

static bool fits(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return conv_tiled_small.fits(caps, conv) && count_shares(conv) > 1;
}

/* Of one share's sums: a map in 32 bits, its pixels padded to blocks. */
static uint32_t sums(const struct gpu_conv *conv)
{
        return align_up(conv_pixels(conv), 32) * divide_up(conv->out, 4);
}

static uint64_t workspace_size(const struct gpu_conv *conv)
{
        return (uint64_t)count_shares(conv) * sums(conv) * 4 * sizeof(float);
}

static int multiply(struct gpu_program *program, const struct op_conv *op, const struct operand *result)
{
        const uint32_t shares = count_shares(&op->conv);
        struct conv_dispatch dispatch = conv_direct_dispatch(op);

        dispatch.batch = shares;
        dispatch.has_bias = dispatch.has_residual = false;
        dispatch.residual = dispatch.bias;
        dispatch.result = *result;
        dispatch.params.share = dispatch.params.groups / shares;
        dispatch.params.source_batch = dispatch.params.share * 32;
        dispatch.params.weights_batch = dispatch.params.share * 8;
        dispatch.params.result_batch = sums(&op->conv);
        dispatch.params.result = (struct map_params){0, dispatch.params.out_groups};
        dispatch.params.epilogue.activation = push_activation(GPU_LINEAR);
        return conv_dispatch(program, &conv_small_kernel, &dispatch);
}

static int add(struct gpu_program *program, const struct op_conv *op, const struct operand *source)
{
        const uint32_t taps = op->conv.kernel * op->conv.kernel, pixels = map_pixels(&op->out);
        const struct conv_sum_params params = {
                .pixels = pixels,
                .groups = map_groups(&op->out),
                .shares = count_shares(&op->conv),
                .batch = sums(&op->conv),
                .result = push_map(&op->out),
                .residual = push_map(op->residual ? op->residual : &op->out),
                .epilogue = conv_epilogue(op),
        };

        return program_dispatch(
                program,
                &(struct dispatch){
                        .kernel = &kernel_conv_sum,
                        .constants = {[EPILOGUE_BIAS] = !op->unbiased, [EPILOGUE_RESIDUAL] = op->residual != NULL},
                        .operands = {*source, {0}, conv_bias(op, taps), conv_residual(op, taps), map_operand(&op->out)},
                        .push = &params,
                        .push_size = sizeof params,
                        .groups = {divide_up(pixels, WORKGROUP), params.groups, 1},
                        .cost = (10.0 * params.shares + STORE_COST) * pixels * op->conv.out,
                });
}

static int record(struct gpu_program *program, const struct op_conv *op)
{
        const struct operand shares = {op->workspace, op->workspace_offset, workspace_size(&op->conv), FORMAT_F32};
        int r = multiply(program, op, &shares);

        return r < 0 ? r : add(program, op, &shares);
}

const struct conv_algorithm conv_tiled_split = {
        .name = "tiled-split",
        .backend = GPU_BACKEND_TILED,
        .fits = fits,
        .weights_size = conv_direct_weights_size,
        .workspace_size = workspace_size,
        .pack = conv_direct_pack,
        .record = record,
};
