#include <string.h>

#include "shaders/vk/device.h"

/* Whether kernels can ask for subgroups of SUBGROUP invocations. */
static bool subgroup_choice(VkPhysicalDevice device)
{
        VkPhysicalDeviceSubgroupSizeControlProperties sizes = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
        VkPhysicalDeviceSubgroupSizeControlFeatures control = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
        VkPhysicalDeviceProperties2 p = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &sizes};
        VkPhysicalDeviceFeatures2 f = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &control};

        if (!device_has_extension(device, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME))
                return false;
        vkGetPhysicalDeviceProperties2(device, &p);
        vkGetPhysicalDeviceFeatures2(device, &f);
        return control.subgroupSizeControl && sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT &&
               sizes.minSubgroupSize <= SUBGROUP && sizes.maxSubgroupSize >= SUBGROUP;
}

static void read_subgroups(VkPhysicalDevice device, struct gpu_caps *ret)
{
        VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
        VkPhysicalDeviceProperties2 p = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &subgroup};

        vkGetPhysicalDeviceProperties2(device, &p);
        ret->subgroup = subgroup.subgroupSize;
        ret->subgroup_choice = subgroup_choice(device);
        ret->shuffle = subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT &&
                       subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
}

void device_caps(VkPhysicalDevice device, struct gpu_caps *ret)
{
        VkPhysicalDeviceProperties p;
        VkPhysicalDeviceFeatures features;

        vkGetPhysicalDeviceFeatures(device, &features);
        vkGetPhysicalDeviceProperties(device, &p);
        *ret = (struct gpu_caps){
                .invocations = p.limits.maxComputeWorkGroupInvocations,
                .texel_elements = p.limits.maxTexelBufferElements,
                .storage_range = p.limits.maxStorageBufferRange,
                .int64 = features.shaderInt64,
        };
        memcpy(ret->groups, p.limits.maxComputeWorkGroupCount, sizeof ret->groups);
        read_subgroups(device, ret);
}
