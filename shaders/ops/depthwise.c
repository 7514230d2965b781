/* Depthwise convolution.  An invocation computes a block of pixels of one group of channels, or one pixel where a
 * dilation keeps neighbours from sharing what they read. */
#include "shaders/glsl/depthwise.kernel.h"
#include "shaders/ops/conv.h"

static bool fits_pixel(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return conv->depthwise && conv->in == conv->out && (conv->kernel == 3 || conv->kernel == 5);
}

static bool fits_block(const struct gpu_caps *caps, const struct gpu_conv *conv)
{
        return fits_pixel(caps, conv) && conv->dilation == 1;
}

/* Weights and bias of a group of 4 channels side by side, in 32 bits: depthwise.comp. */
static uint64_t weights_size(const struct gpu_conv *conv)
{
        return (uint64_t)divide_up(conv->out, 4) * (conv->kernel * conv->kernel + 1) * 4 * sizeof(float);
}

static void pack(const struct gpu_conv *conv, uint32_t in, const float *weights, const float *bias, void *ret)
{
        const uint32_t taps = conv->kernel * conv->kernel;
        float *out = ret;

        for (uint32_t c = 0; c < conv->out; c++) {
                float *group = out + (size_t)(c / 4) * (taps + 1) * 4 + c % 4;

                for (uint32_t tap = 0; tap < taps; tap++)
                        group[tap * 4] = weights[c * taps + tap];
                group[taps * 4] = bias[c];
        }
}

/* Of pixels, that one invocation computes. */
struct block {
        uint32_t wide, high;
};

static int record(struct gpu_program *program, const struct op_conv *op, struct block block)
{
        const struct gpu_conv *conv = &op->conv;
        const struct gpu_map *in = &op->in, *out = &op->out;
        const uint32_t blocks = divide_up(out->width, block.wide) * divide_up(out->height, block.high);
        const uint32_t across = program->gpu->reading == READ_TEXELS ? SUBGROUP : WORKGROUP;
        struct depthwise_params params = {
                .height = in->height,
                .width = in->width,
                .out_height = out->height,
                .out_width = out->width,
                .dilation = conv->dilation,
                .activation = push_activation(op->activation),
                .source = push_map(in),
                .result = push_map(out),
        };

        if (op->scale != 1 || op->residual || op->relu || op->unbiased)
                return program_fail(program, -EINVAL);
        return program_dispatch(
                program,
                &(struct dispatch){
                        .kernel = &kernel_depthwise,
                        .constants = {[DEPTHWISE_KERNEL] = conv->kernel,
                                      [DEPTHWISE_STRIDE] = conv->stride,
                                      [DEPTHWISE_WIDE] = block.wide,
                                      [DEPTHWISE_HIGH] = block.high},
                        .operands = {map_operand(in),
                                     {op->weights, op->weights_offset, weights_size(conv), FORMAT_F32},
                                     [RESULT] = map_operand(out)},
                        .push = &params,
                        .push_size = sizeof params,
                        .groups = {divide_up(blocks, across), map_groups(out), 1},
                        .cost = (2.0 * conv->kernel * conv->kernel + STORE_COST) * map_pixels(out) * out->channels,
                });
}

/* Loads cost a CPU most, and larger blocks need fewer of them; a GPU has too few registers for that. */
static int record_block(struct gpu_program *program, const struct op_conv *op)
{
        return record(program, op, program->gpu->reading == READ_TEXELS ? (struct block){8, 2} : (struct block){2, 1});
}

static int record_pixel(struct gpu_program *program, const struct op_conv *op)
{
        return record(program, op, (struct block){1, 1});
}

const struct conv_algorithm conv_depthwise_block = {
        .name = "depthwise-block",
        .fits = fits_block,
        .weights_size = weights_size,
        .pack = pack,
        .record = record_block,
};

const struct conv_algorithm conv_depthwise_pixel = {
        .name = "depthwise-pixel",
        .fits = fits_pixel,
        .weights_size = weights_size,
        .pack = pack,
        .record = record_pixel,
};
