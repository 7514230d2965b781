/* Convolution as a product of matrices, summed over the taps: what direct algorithms share, and the one for CPU
 * drivers. */
#include "shaders/glsl/conv_subgroup.kernel.h"
#include "shaders/ops/conv.h"

const struct conv_kernel conv_subgroup_kernel = {
        .kernel = &kernel_conv_subgroup,
        .channels = 8 * CONV_SUBGROUP_ROWS,
        .pixels = SUBGROUP * CONV_SUBGROUP_PIXELS,
};

static uint32_t taps_of(const struct gpu_conv *conv)
{
        return conv->kernel * conv->kernel;
}

bool conv_is_direct(const struct gpu_conv *conv)
{
        return !conv->depthwise && (conv->kernel == 1 || conv->kernel == 3);
}

static bool fits(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return conv_is_direct(conv) && conv_fits_subgroup(caps, conv, taps_of(conv));
}

uint64_t conv_direct_weights_size(const struct gpu_conv *conv)
{
        return conv_weights_size(conv, taps_of(conv));
}

/* Rounds to nearest even, as CPUs and PyTorch do; not every compiler has this conversion.  The magic numbers move
 * the exponent so that the CPU's own rounding of 32-bit sums does the work. */
static uint16_t half(float value)
{
        const union {
                uint32_t bits;
                float value;
        } limit = {.bits = 0x477ff000}, tiny = {.bits = 0x38800000}, magic = {.bits = 0x3f000000};
        union {
                float value;
                uint32_t bits;
        } v = {value};
        const uint32_t sign = v.bits & 0x80000000;

        v.bits ^= sign;
        if (v.bits > 0x7f800000)
                v.bits = 0x7e00; /* NaN */
        else if (v.value >= limit.value)
                v.bits = 0x7bff; /* 65520 and more: the largest, because infinity would turn sums into NaN */
        else if (v.value < tiny.value) {
                v.value += magic.value; /* denormal */
                v.bits -= magic.bits;
        } else
                v.bits = (v.bits - 0x38000000 + 0xfff + (v.bits >> 13 & 1)) >> 13;
        return v.bits | sign >> 16;
}

static void put(const struct gpu_conv *conv, void *matrix, uint64_t index, float value)
{
        if (conv->dtype == GPU_F16)
                ((uint16_t *)matrix)[index] = half(value);
        else
                ((float *)matrix)[index] = value;
}

/* [out / 8][tap][in / 4][8][4]; `across`: each 4 x 4 of them with columns and rows exchanged */
static void pack(const struct gpu_conv *conv, uint32_t in, bool across, const float *weights, const float *bias,
                 void *ret)
{
        const uint32_t taps = taps_of(conv), groups = conv->in / 4;

        conv_pack_bias(conv, taps, bias, ret);
        for (uint32_t o = 0; o < conv->out; o++)
                for (uint32_t i = 0; i < in; i++)
                        for (uint32_t tap = 0; tap < taps; tap++) {
                                uint64_t block = (((uint64_t)(o / 8) * taps + tap) * groups + i / 4) * 2 + o % 8 / 4;
                                put(conv, ret, block * 16 + (across ? i % 4 * 4 + o % 4 : o % 4 * 4 + i % 4),
                                    weights[((uint64_t)o * in + i) * taps + tap]);
                        }
}

void conv_direct_pack(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias, void *ret)
{
        pack(conv, in, false, weights, bias, ret);
}

void conv_direct_pack_across(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias,
                             void *ret)
{
        pack(conv, in, true, weights, bias, ret);
}

/* Of conv_subgroup: two groups a round keep sums in registers for longer, but pay only if there are many rounds
 * (docs/PERFORMANCE.md). */
static int depth(uint32_t taps, uint32_t groups)
{
        return groups % 2 || taps * groups < 22 ? 1 : 2;
}

uint32_t conv_cooperative_invocations(const struct gpu_caps *caps)
{
        return caps->matrices ? COOPERATIVE_SUBGROUPS(caps->matrix_m) * caps->matrix_subgroup : 0;
}

int conv_dispatch(struct gpu_program *program, const struct conv_kernel *kernel, const struct conv_dispatch *d)
{
        const uint32_t channels = d->params.out_groups * 4, pixels = d->params.out_pixels;
        const struct gpu_caps *caps = &program->gpu->caps;

        return program_dispatch(
                program,
                &(struct dispatch){
                        .kernel = kernel->kernel,
                        .constants = {[CONV_TAPS] = d->taps,
                                      [CONV_POINTWISE] = d->pointwise,
                                      [CONV_DEPTH] = kernel->keeps_inputs ? d->params.groups
                                                                          : depth(d->taps, d->params.groups),
                                      [EPILOGUE_BIAS] = d->has_bias,
                                      [EPILOGUE_RESIDUAL] = d->has_residual,
                                      [COOPERATIVE_M] = caps->matrix_m,
                                      [COOPERATIVE_N] = caps->matrix_n,
                                      [COOPERATIVE_K] = caps->matrix_k,
                                      [COOPERATIVE_INVOCATIONS] = conv_cooperative_invocations(caps)},
                        .subgroup = kernel->cooperative ? caps->matrix_subgroup : 0,
                        .operands = {d->source, d->matrix, d->bias, d->residual, d->result},
                        .push = &d->params,
                        .push_size = sizeof d->params,
                        .groups = {divide_up(channels, kernel->channels), divide_up(pixels, kernel->pixels), d->batch},
                        .cost = (4.0 * d->params.share * d->taps + STORE_COST) * channels * pixels * d->batch,
                });
}

struct conv_dispatch conv_direct_dispatch(const struct op_conv *op)
{
        const struct gpu_conv *conv = &op->conv;
        const uint32_t taps = taps_of(conv);

        return (struct conv_dispatch){
                .taps = taps,
                .pointwise = conv->kernel == 1 && conv->stride == 1,
                .batch = 1,
                .has_bias = !op->unbiased,
                .has_residual = op->residual != NULL,
                .source = map_operand(&op->in),
                .matrix = conv_matrix(op, taps),
                .bias = conv_bias(op, taps),
                .residual = conv_residual(op, taps),
                .result = map_operand(&op->out),
                .params = {.height = op->in.height,
                           .width = op->in.width,
                           .out_width = op->out.width,
                           .out_pixels = map_pixels(&op->out),
                           .groups = conv->in / 4,
                           .out_groups = map_groups(&op->out),
                           .stride = conv->stride,
                           .dilation = conv->dilation,
                           .source = push_map(&op->in),
                           .result = push_map(&op->out),
                           .residual = push_map(op->residual ? op->residual : &op->out),
                           .share = conv->in / 4,
                           .epilogue = conv_epilogue(op)},
        };
}

int conv_direct_record(struct gpu_program *program, const struct conv_kernel *kernel, const struct op_conv *op)
{
        const struct conv_dispatch dispatch = conv_direct_dispatch(op);

        return conv_dispatch(program, kernel, &dispatch);
}

static int record(struct gpu_program *program, const struct op_conv *op)
{
        return conv_direct_record(program, &conv_subgroup_kernel, op);
}

const struct conv_algorithm conv_subgroup = {
        .name = "subgroup",
        .backend = GPU_BACKEND_SUBGROUP,
        .fits = fits,
        .weights_size = conv_direct_weights_size,
        .pack = conv_direct_pack,
        .record = record,
};
