#include <string.h>

#include "shaders/vk/device.h"

/* Core since `version`, an extension before. */
static bool offers(VkPhysicalDevice device, const VkPhysicalDeviceProperties *p, uint32_t version,
                   const char *extension)
{
        return p->apiVersion >= version || device_has_extension(device, extension);
}

static void read_subgroups(VkPhysicalDevice device, const VkPhysicalDeviceProperties *p, struct gpu_caps *ret)
{
        VkPhysicalDeviceSubgroupSizeControlProperties sizes = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
        VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
        VkPhysicalDeviceProperties2 p2 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &subgroup};

        if (offers(device, p, VK_API_VERSION_1_3, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME))
                subgroup.pNext = &sizes;
        vkGetPhysicalDeviceProperties2(device, &p2);
        ret->subgroup = subgroup.subgroupSize;
        ret->subgroup_control = sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT;
        ret->subgroup_min = ret->subgroup_control ? sizes.minSubgroupSize : ret->subgroup;
        ret->subgroup_max = ret->subgroup_control ? sizes.maxSubgroupSize : ret->subgroup;
        ret->shuffle = subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT &&
                       subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
}

static void read_arithmetic(VkPhysicalDevice device, const VkPhysicalDeviceProperties *p, struct gpu_caps *ret)
{
        VkPhysicalDeviceShaderFloat16Int8Features small = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
        VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &small};

        if (!offers(device, p, VK_API_VERSION_1_2, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME))
                return;
        vkGetPhysicalDeviceFeatures2(device, &features);
        ret->fp16 = small.shaderFloat16;
        ret->int8 = small.shaderInt8;
}

void device_caps(VkPhysicalDevice device, enum gpu_kind kind, struct gpu_caps *ret)
{
        VkPhysicalDeviceProperties p;
        VkPhysicalDeviceFeatures features;

        vkGetPhysicalDeviceFeatures(device, &features);
        vkGetPhysicalDeviceProperties(device, &p);
        *ret = (struct gpu_caps){
                .kind = kind,
                .vendor = p.vendorID,
                .invocations = p.limits.maxComputeWorkGroupInvocations,
                .shared_memory = p.limits.maxComputeSharedMemorySize,
                .texel_elements = p.limits.maxTexelBufferElements,
                .storage_range = p.limits.maxStorageBufferRange,
                .int64 = features.shaderInt64,
        };
        memcpy(ret->groups, p.limits.maxComputeWorkGroupCount, sizeof ret->groups);
        read_subgroups(device, &p, ret);
        read_arithmetic(device, &p, ret);
}
