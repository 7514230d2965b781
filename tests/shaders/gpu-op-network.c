/* The operators on feature maps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shaders/ops/conv.h"
#include "tests/shaders/gpu-op.h"

/* The algorithm that the case names, or the one that would be chosen.  -ENOTSUP: it cannot compute this. */
static int choose(struct run *run, struct gpu_conv *conv)
{
        const char *name = json_string_value(json_object_get(run->json, "algorithm"));

        if (!name)
                return gpu_conv_choose(run->gpu, conv);
        for (const struct conv_algorithm *const *a = conv_algorithms; *a; a++)
                if (!strcmp((*a)->name, name)) {
                        conv->algorithm = *a;
                        return (*a)->fits(&run->gpu->caps, conv) ? 0 : -ENOTSUP;
                }
        die("no algorithm \"%s\"", name);
}

static int conv_record(struct run *run, struct op_conv *op, uint32_t in, const float *weights, const float *bias)
{
        uint64_t size;
        void *packed;
        int r = choose(run, &op->conv);

        if (r < 0)
                return r;
        run->algorithm = op->conv.algorithm->name;
        size = gpu_conv_weights_size(&op->conv);
        packed = xcalloc(size);
        gpu_conv_weights_pack(&op->conv, in, weights, bias, packed);
        r = extra_new(run, size, packed, op->weights_offset, "weights", &op->weights);
        free(packed);
        if (r < 0)
                return r;
        size = gpu_conv_workspace_size(&op->conv);
        if (size) {
                r = workspace_new(run, size, op->workspace_offset, &op->workspace);
                if (r < 0)
                        return r;
        }
        return op_conv(run->program, op);
}

static int run_conv(struct run *run)
{
        const json_t *j = run->json;
        struct op_conv op = {
                .conv = {.in = number(j, "in"),
                         .out = number(j, "out"),
                         .kernel = number(j, "kernel"),
                         .stride = number(j, "stride"),
                         .dilation = number(j, "dilation"),
                         .height = number(j, "height"),
                         .width = number(j, "width"),
                         .dtype = number(j, "half") ? GPU_F16 : GPU_F32,
                         .depthwise = number(j, "depthwise")},
                .activation = number(j, "activation"),
                .scale = real(j, "scale"),
                .relu = number(j, "relu"),
                .weights_offset = number(j, "weights_offset"),
                .workspace_offset = number(j, "workspace_offset"),
        };
        uint32_t in = number(j, "real_in");
        size_t per_output = (op.conv.depthwise ? 1 : in) * op.conv.kernel * op.conv.kernel;
        float *weights, *bias;
        int r = maps_new(run);

        if (r < 0)
                return r;
        op.in = *map(run, "in");
        op.out = *map(run, "out");
        if (number(j, "in_place"))
                op.residual = &op.out;
        else if (slot_find(run, "residual"))
                op.residual = map(run, "residual");
        weights = array(run, op.conv.out * per_output * 4);
        bias = array(run, (size_t)op.conv.out * 4);
        r = conv_record(run, &op, in, weights, bias);
        free(weights);
        free(bias);
        return r;
}

static int run_maxpool(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_maxpool(run->program, map(run, "in"), map(run, "out"));
}

static int run_upsample(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_upsample(run->program, map(run, "in"), map(run, "out"));
}

static int run_gate(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_gate(run->program, map(run, "x"), map(run, "gate"), map(run, "out"));
}

static int run_gram(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_gram(run->program, map(run, "a"), map(run, "b"), map(run, "out"));
}

static int run_softmax(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_softmax(run->program, map(run, "in"), map(run, "out"));
}

static int run_transpose(struct run *run)
{
        int r = maps_new(run);

        return r < 0 ? r : op_transpose(run->program, map(run, "in"), map(run, "out"));
}

static int run_matmul(struct run *run)
{
        uint64_t offset = number(run->json, "workspace_offset");
        struct gpu_buffer *workspace = NULL;
        uint64_t size;
        int r = maps_new(run);

        if (r < 0)
                return r;
        size = gpu_matmul_workspace_size(run->gpu, map(run, "out")->channels, map(run, "x")->channels);
        if (size) {
                r = workspace_new(run, size, offset, &workspace);
                if (r < 0)
                        return r;
        }
        return op_matmul(run->program, map(run, "matrix"), map(run, "x"), map(run, "out"), workspace, offset);
}

const struct operator network_operators[] = {
        {"conv", run_conv},           {"maxpool", run_maxpool}, {"upsample", run_upsample},
        {"gate", run_gate},           {"gram", run_gram},       {"softmax", run_softmax},
        {"transpose", run_transpose}, {"matmul", run_matmul},   {NULL},
};
