/* Kernels compiled by the driver, each when it is first recorded.  Nothing here knows which kernels there are. */
#include <stdlib.h>
#include <string.h>

#include "shaders/vk/vk.h"

VkDescriptorType pipeline_descriptor(enum reading reading, int operand)
{
        return reading == READ_TEXELS && operand != RESULT ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
                                                           : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

static int make_layouts(struct gpu *gpu, enum reading reading)
{
        VkDescriptorSetLayout *set_layout = &gpu->pipelines.layouts[reading].set;
        VkPipelineLayout *pipeline_layout = &gpu->pipelines.layouts[reading].pipeline;
        VkDescriptorSetLayoutBinding bindings[OPERANDS];

        for (int i = 0; i < OPERANDS; i++)
                bindings[i] = (VkDescriptorSetLayoutBinding){
                        .binding = i,
                        .descriptorType = pipeline_descriptor(reading, i),
                        .descriptorCount = 1,
                        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                };
        VkDescriptorSetLayoutCreateInfo set = {
                .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                .bindingCount = OPERANDS,
                .pBindings = bindings,
        };
        int r = vk_made(gpu, set_layout, vkCreateDescriptorSetLayout(gpu->device, &set, NULL, set_layout));
        if (r < 0)
                return r;
        VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, PUSH_CONSTANTS_SIZE};
        VkPipelineLayoutCreateInfo layout = {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                .setLayoutCount = 1,
                .pSetLayouts = set_layout,
                .pushConstantRangeCount = 1,
                .pPushConstantRanges = &push,
        };
        return vk_made(gpu, pipeline_layout, vkCreatePipelineLayout(gpu->device, &layout, NULL, pipeline_layout));
}

int pipelines_init(struct gpu *gpu)
{
        int r = 0;

        pthread_mutex_init(&gpu->pipelines.lock, NULL);
        for (int reading = 0; reading < READINGS && r == 0; reading++)
                r = make_layouts(gpu, reading);
        return r;
}

static void destroy(struct gpu *gpu)
{
        struct compiled_kernels *pipelines = &gpu->pipelines;

        for (size_t i = 0; i < pipelines->count; i++)
                vkDestroyPipeline(gpu->device, pipelines->list[i].handle, NULL);
        for (int i = 0; i < READINGS; i++) {
                vkDestroyPipelineLayout(gpu->device, pipelines->layouts[i].pipeline, NULL);
                vkDestroyDescriptorSetLayout(gpu->device, pipelines->layouts[i].set, NULL);
        }
}

void pipelines_finish(struct gpu *gpu)
{
        if (!gpu->stuck)
                destroy(gpu);
        pthread_mutex_destroy(&gpu->pipelines.lock);
        free(gpu->pipelines.list);
        gpu->pipelines = (struct compiled_kernels){0};
}

static int compile(struct gpu *gpu, struct compiled_kernel *pipeline)
{
        const typeof(pipeline->kernel->code[0]) *code = &pipeline->kernel->code[pipeline->reading];
        /* By their ids; there are some between the two kinds that no kernel has. */
        int32_t values[FIRST_CONSTANT + CONSTANTS] = {0};
        VkSpecializationMapEntry entries[FIRST_CONSTANT + CONSTANTS];
        VkShaderModule module;

        VkShaderModuleCreateInfo module_info = {
                .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                .codeSize = code->size,
                .pCode = code->words,
        };
        int r = vk_error(gpu, vkCreateShaderModule(gpu->device, &module_info, NULL, &module));
        if (r < 0)
                return r;
        for (int i = 0; i < OPERANDS; i++)
                values[i] = pipeline->formats[i];
        memcpy(values + FIRST_CONSTANT, pipeline->constants, sizeof pipeline->constants);
        for (int i = 0; i < FIRST_CONSTANT + CONSTANTS; i++)
                entries[i] = (VkSpecializationMapEntry){i, i * sizeof *values, sizeof *values};
        const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
                .requiredSubgroupSize = pipeline->subgroup,
        };
        VkSpecializationInfo specialization = {FIRST_CONSTANT + CONSTANTS, entries, sizeof values, values};
        VkComputePipelineCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                .flags = VK_PIPELINE_CREATE_DISPATCH_BASE_BIT, /* a long operator is cut */
                .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                          .pNext = pipeline->subgroup > 0 ? &subgroup : NULL,
                          .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                          .module = module,
                          .pName = "main",
                          .pSpecializationInfo = &specialization},
                .layout = gpu->pipelines.layouts[pipeline->reading].pipeline,
        };
        r = vk_error(gpu, vkCreateComputePipelines(gpu->device, gpu->cache, 1, &info, NULL, &pipeline->handle));
        vkDestroyShaderModule(gpu->device, module, NULL);
        if (r == 0)
                vk_name(gpu, VK_OBJECT_TYPE_PIPELINE, (uint64_t)pipeline->handle, pipeline->kernel->name);
        return r;
}

static bool same(const struct compiled_kernel *a, const struct compiled_kernel *b)
{
        return a->kernel == b->kernel && a->reading == b->reading && a->subgroup == b->subgroup &&
               !memcmp(a->formats, b->formats, sizeof a->formats) &&
               !memcmp(a->constants, b->constants, sizeof a->constants);
}

/* Finds it in the list, or compiles it and adds it. */
static int find(struct gpu *gpu, const struct compiled_kernel *wanted, struct compiled_kernel *ret)
{
        struct compiled_kernels *pipelines = &gpu->pipelines;

        *ret = *wanted;
        for (size_t i = 0; i < pipelines->count; i++)
                if (same(&pipelines->list[i], wanted)) {
                        *ret = pipelines->list[i];
                        return 0;
                }
        struct compiled_kernel *grown = realloc(pipelines->list, (pipelines->count + 1) * sizeof *grown);
        if (!grown)
                return -ENOMEM;
        pipelines->list = grown;
        int r = compile(gpu, ret);
        if (r == 0)
                pipelines->list[pipelines->count++] = *ret;
        return r;
}

int pipelines_get(struct gpu *gpu, const struct dispatch *dispatch, struct compiled_kernel *ret)
{
        struct compiled_kernel wanted = {
                .kernel = dispatch->kernel, .reading = gpu->reading, .subgroup = dispatch->subgroup};

        if (!wanted.kernel->code[wanted.reading].words)
                wanted.reading = wanted.reading == READ_TEXELS ? READ_BUFFERS : READ_TEXELS;
        if (wanted.reading == READ_TEXELS && caps_can_ask_for(&gpu->caps, SUBGROUP))
                wanted.subgroup = SUBGROUP;
        for (int i = 0; i < OPERANDS; i++) /* texel views convert by themselves */
                if (pipeline_descriptor(wanted.reading, i) == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER)
                        wanted.formats[i] = dispatch->operands[i].format;
        memcpy(wanted.constants, dispatch->constants, sizeof wanted.constants);
        pthread_mutex_lock(&gpu->pipelines.lock);
        int r = find(gpu, &wanted, ret);
        pthread_mutex_unlock(&gpu->pipelines.lock);
        return r;
}
