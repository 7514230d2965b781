#include <stdlib.h>
#include <string.h>

#include "shaders/vk/vk.h"

#include "conv_lane.spv.h"
#include "conv_tile.spv.h"
#include "argmax.spv.h"
#include "argmax_lane.spv.h"
#include "blur.spv.h"
#include "blur_lane.spv.h"
#include "crop.spv.h"
#include "crop_lane.spv.h"
#include "depthwise.spv.h"
#include "depthwise_lane.spv.h"
#include "gate.spv.h"
#include "gate_lane.spv.h"
#include "gram.spv.h"
#include "gram_lane.spv.h"
#include "maxpool.spv.h"
#include "maxpool_lane.spv.h"
#include "pack.spv.h"
#include "pack_lane.spv.h"
#include "paint.spv.h"
#include "paint_lane.spv.h"
#include "softmax.spv.h"
#include "softmax_lane.spv.h"
#include "transpose.spv.h"
#include "transpose_lane.spv.h"
#include "uncrop.spv.h"
#include "uncrop_lane.spv.h"
#include "unpack.spv.h"
#include "unpack_lane.spv.h"
#include "upsample.spv.h"
#include "upsample_lane.spv.h"
#include "warp.spv.h"
#include "warp_lane.spv.h"
#include "winograd_in.spv.h"
#include "winograd_out.spv.h"

struct code {
        const char *name;
        const uint32_t *words[2]; /* for GPU_BACKEND_TILE, GPU_BACKEND_LANE */
        size_t size[2];
};

/* clang-format off */
#define BOTH(name) {#name, {name, name##_lane}, {sizeof name, sizeof name##_lane}}
/* clang-format on */

static const struct code codes[KERNELS] = {
        [KERNEL_CONV_LANE] = {"conv_lane", {NULL, conv_lane}, {0, sizeof conv_lane}},
        [KERNEL_CONV_TILE] = {"conv_tile", {conv_tile, NULL}, {sizeof conv_tile, 0}},
        [KERNEL_WINOGRAD_IN] = {"winograd_in", {NULL, winograd_in}, {0, sizeof winograd_in}},
        [KERNEL_WINOGRAD_OUT] = {"winograd_out", {NULL, winograd_out}, {0, sizeof winograd_out}},
        [KERNEL_DEPTHWISE] = BOTH(depthwise),
        [KERNEL_MAXPOOL] = BOTH(maxpool),
        [KERNEL_UPSAMPLE] = BOTH(upsample),
        [KERNEL_GATE] = BOTH(gate),
        [KERNEL_GRAM] = BOTH(gram),
        [KERNEL_SOFTMAX] = BOTH(softmax),
        [KERNEL_TRANSPOSE] = BOTH(transpose),
        [KERNEL_CROP] = BOTH(crop),
        [KERNEL_ARGMAX] = BOTH(argmax),
        [KERNEL_UNCROP] = BOTH(uncrop),
        [KERNEL_UNPACK] = BOTH(unpack),
        [KERNEL_PACK] = BOTH(pack),
        [KERNEL_BLUR] = BOTH(blur),
        [KERNEL_PAINT] = BOTH(paint),
        [KERNEL_WARP] = BOTH(warp),
};

VkDescriptorType kernels_descriptor(const struct gpu *gpu, int operand)
{
        return gpu->backend == GPU_BACKEND_LANE && operand != OUTPUT ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
                                                                     : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

static int make_layouts(struct gpu *gpu)
{
        struct kernels *kernels = &gpu->kernels;
        VkDescriptorSetLayoutBinding bindings[OPERANDS];

        for (int i = 0; i < OPERANDS; i++)
                bindings[i] = (VkDescriptorSetLayoutBinding){
                        .binding = i,
                        .descriptorType = kernels_descriptor(gpu, i),
                        .descriptorCount = 1,
                        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                };
        VkDescriptorSetLayoutCreateInfo set = {
                .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                .bindingCount = OPERANDS,
                .pBindings = bindings,
        };
        int r = vk_made(gpu, &kernels->set_layout,
                        vkCreateDescriptorSetLayout(gpu->device, &set, NULL, &kernels->set_layout));
        if (r < 0)
                return r;
        VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 128};
        VkPipelineLayoutCreateInfo layout = {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                .setLayoutCount = 1,
                .pSetLayouts = &kernels->set_layout,
                .pushConstantRangeCount = 1,
                .pPushConstantRanges = &push,
        };
        return vk_made(gpu, &kernels->layout, vkCreatePipelineLayout(gpu->device, &layout, NULL, &kernels->layout));
}

int kernels_init(struct gpu *gpu)
{
        gpu->kernels = (struct kernels){0};
        return make_layouts(gpu);
}

static void destroy(struct gpu *gpu)
{
        struct kernels *kernels = &gpu->kernels;

        for (size_t i = 0; i < kernels->count; i++)
                vkDestroyPipeline(gpu->device, kernels->pipelines[i].handle, NULL);
        for (int i = 0; i < KERNELS; i++)
                vkDestroyShaderModule(gpu->device, kernels->modules[i], NULL);
        vkDestroyPipelineLayout(gpu->device, kernels->layout, NULL);
        vkDestroyDescriptorSetLayout(gpu->device, kernels->set_layout, NULL);
}

void kernels_finish(struct gpu *gpu)
{
        if (!gpu->stuck)
                destroy(gpu);
        free(gpu->kernels.pipelines);
        gpu->kernels = (struct kernels){0};
}

static int get_module(struct gpu *gpu, enum kernel_id kernel, VkShaderModule *ret)
{
        VkShaderModule *module = &gpu->kernels.modules[kernel];
        int which = gpu->backend == GPU_BACKEND_LANE, r = 0;

        if (!*module) {
                VkShaderModuleCreateInfo info = {
                        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                        .codeSize = codes[kernel].size[which],
                        .pCode = codes[kernel].words[which],
                };
                r = vk_made(gpu, module, vkCreateShaderModule(gpu->device, &info, NULL, module));
        }
        *ret = *module;
        return r;
}

static int compile(struct gpu *gpu, struct kernel *pipeline)
{
        int32_t values[OPERANDS + CONSTANTS];
        VkSpecializationMapEntry entries[OPERANDS + CONSTANTS];
        VkShaderModule module = VK_NULL_HANDLE;

        int r = get_module(gpu, pipeline->kernel, &module);
        if (r < 0)
                return r;
        for (int i = 0; i < OPERANDS + CONSTANTS; i++) {
                values[i] = i < OPERANDS ? pipeline->formats[i] : pipeline->constants[i - OPERANDS];
                entries[i] = (VkSpecializationMapEntry){i < OPERANDS ? i : i - OPERANDS + 8, i * sizeof *values,
                                                        sizeof *values};
        }
        VkSpecializationInfo specialization = {OPERANDS + CONSTANTS, entries, sizeof values, values};
        VkComputePipelineCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                .flags = VK_PIPELINE_CREATE_DISPATCH_BASE_BIT, /* a long operator is cut */
                .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                          .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                          .module = module,
                          .pName = "main",
                          .pSpecializationInfo = &specialization},
                .layout = gpu->kernels.layout,
        };
        r = vk_error(gpu, vkCreateComputePipelines(gpu->device, gpu->cache, 1, &info, NULL, &pipeline->handle));
        if (r == 0)
                vk_name(gpu, VK_OBJECT_TYPE_PIPELINE, (uint64_t)pipeline->handle, codes[pipeline->kernel].name);
        return r;
}

int kernels_get(struct gpu *gpu, enum kernel_id kernel, const uint8_t formats[OPERANDS],
                const int32_t constants[CONSTANTS], VkPipeline *ret)
{
        struct kernels *kernels = &gpu->kernels;
        struct kernel wanted = {.kernel = kernel};

        for (int i = 0; i < OPERANDS; i++) /* texel views convert by themselves */
                if (kernels_descriptor(gpu, i) == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER)
                        wanted.formats[i] = formats[i];
        memcpy(wanted.constants, constants, sizeof wanted.constants);
        for (size_t i = 0; i < kernels->count; i++) {
                const struct kernel *p = &kernels->pipelines[i];
                if (p->kernel == kernel && !memcmp(p->formats, wanted.formats, sizeof wanted.formats) &&
                    !memcmp(p->constants, wanted.constants, sizeof wanted.constants)) {
                        *ret = p->handle;
                        return 0;
                }
        }
        struct kernel *grown = realloc(kernels->pipelines, (kernels->count + 1) * sizeof *grown);
        if (!grown)
                return -ENOMEM;
        kernels->pipelines = grown;
        int r = compile(gpu, &wanted);
        if (r < 0)
                return r;
        kernels->pipelines[kernels->count++] = wanted;
        *ret = wanted.handle;
        return 0;
}
