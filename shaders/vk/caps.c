#include <string.h>

#include "shaders/vk/device.h"

static void read_subgroup_sizes(VkPhysicalDevice device, struct gpu_caps *ret)
{
        VkPhysicalDeviceSubgroupSizeControlProperties sizes = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
        VkPhysicalDeviceSubgroupSizeControlFeatures control = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
        VkPhysicalDeviceProperties2 p = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &sizes};
        VkPhysicalDeviceFeatures2 f = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &control};

        if (!device_has_extension(device, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME))
                return;
        vkGetPhysicalDeviceProperties2(device, &p);
        vkGetPhysicalDeviceFeatures2(device, &f);
        if (control.subgroupSizeControl && sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) {
                ret->subgroup_least = sizes.minSubgroupSize;
                ret->subgroup_most = sizes.maxSubgroupSize;
        }
}

static void read_subgroups(VkPhysicalDevice device, struct gpu_caps *ret)
{
        VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
        VkPhysicalDeviceProperties2 p = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &subgroup};

        vkGetPhysicalDeviceProperties2(device, &p);
        ret->subgroup = subgroup.subgroupSize;
        read_subgroup_sizes(device, ret);
        ret->shuffle = subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT &&
                       subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
}

/* An extension until Vulkan 1.2, which drivers keep offering. */
static bool float16(VkPhysicalDevice device)
{
        VkPhysicalDeviceShaderFloat16Int8Features halves = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES};
        VkPhysicalDeviceFeatures2 f = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &halves};

        if (!device_has_extension(device, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME))
                return false;
        vkGetPhysicalDeviceFeatures2(device, &f);
        return halves.shaderFloat16;
}

/* Whether a buffer can be made of a dma-buf, without an allocation of its own kind. */
static bool imports_dmabufs(VkPhysicalDevice device)
{
        const VkPhysicalDeviceExternalBufferInfo info = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
                .usage = IMPORT_USAGE,
                .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
        };
        VkExternalBufferProperties p = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};

        vkGetPhysicalDeviceExternalBufferProperties(device, &info, &p);
        VkExternalMemoryFeatureFlags features = p.externalMemoryProperties.externalMemoryFeatures;
        return features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT &&
               !(features & VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT);
}

/* What can be imported is asked for each pointer: in general, SwiftShader says that nothing can, and does it. */
static uint64_t host_alignment(VkPhysicalDevice device)
{
        VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
        VkPhysicalDeviceProperties2 p = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &host};

        if (!device_has_extension(device, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
                return 0;
        vkGetPhysicalDeviceProperties2(device, &p);
        return host.minImportedHostPointerAlignment;
}

static void read_imports(VkPhysicalDevice device, struct gpu_caps *ret)
{
        ret->host_alignment = host_alignment(device);
        ret->dmabuf = device_has_extension(device, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME) &&
                      device_has_extension(device, VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME) &&
                      imports_dmabufs(device);
        ret->foreign_family = device_has_extension(device, VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME);
}

void device_caps(VkInstance instance, VkPhysicalDevice device, struct gpu_caps *ret)
{
        VkPhysicalDeviceProperties p;
        VkPhysicalDeviceFeatures features;

        vkGetPhysicalDeviceFeatures(device, &features);
        vkGetPhysicalDeviceProperties(device, &p);
        *ret = (struct gpu_caps){
                .invocations = p.limits.maxComputeWorkGroupInvocations,
                .shared_memory = p.limits.maxComputeSharedMemorySize,
                .texel_elements = p.limits.maxTexelBufferElements,
                .storage_range = p.limits.maxStorageBufferRange,
                .int64 = features.shaderInt64,
                .float16 = float16(device),
        };
        memcpy(ret->groups, p.limits.maxComputeWorkGroupCount, sizeof ret->groups);
        read_subgroups(device, ret);
        matrices_caps(instance, device, ret);
        read_imports(device, ret);
}
