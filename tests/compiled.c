#include <stdatomic.h>
#include <vulkan/vulkan.h>

#include "tests/compiled.h"

static atomic_uint all;
static _Thread_local unsigned here;

VkResult __real_vkCreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                         const VkComputePipelineCreateInfo *infos,
                                         const VkAllocationCallbacks *allocator, VkPipeline *ret);
VkResult __wrap_vkCreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                         const VkComputePipelineCreateInfo *infos,
                                         const VkAllocationCallbacks *allocator, VkPipeline *ret);

VkResult __wrap_vkCreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                         const VkComputePipelineCreateInfo *infos,
                                         const VkAllocationCallbacks *allocator, VkPipeline *ret)
{
        all++;
        here++;
        return __real_vkCreateComputePipelines(device, cache, count, infos, allocator, ret);
}

unsigned kernels_compiled(void)
{
        return all;
}

unsigned kernels_compiled_by_this(void)
{
        return here;
}
