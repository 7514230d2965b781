/* Private to shaders/: instances, and information about a device before it is opened. */
#pragma once

#include "shaders/vk/vk.h"

int device_instance(VkInstance *ret, bool *ret_validation, char *why, size_t why_size);
/* The caller must free() *ret. */
int device_enumerate(VkInstance instance, VkPhysicalDevice **ret, unsigned *ret_count);
/* The device must support Vulkan 1.1. */
void device_caps(VkInstance instance, VkPhysicalDevice device, struct gpu_caps *ret);
void device_describe(VkPhysicalDevice device, unsigned index, struct gpu_info *ret);
/* The queue family for compute, preferably one that does nothing else.  -ENOTSUP: none. */
int device_family(VkPhysicalDevice device, uint32_t *ret);
bool device_may_compile(void);
bool device_has_extension(VkPhysicalDevice device, const char *name);

/* matrices.c: a chain of the features that kernels need for whole matrices, which begins with the first. */
struct matrix_features {
        VkPhysicalDeviceCooperativeMatrixFeaturesNV matrices;
        VkPhysicalDeviceVulkanMemoryModelFeatures model;
};
enum { MATRIX_EXTENSIONS = 2 };
void matrices_caps(VkInstance instance, VkPhysicalDevice device, struct gpu_caps *ret);
/* What vkCreateDevice() has to enable besides float16; returns how many extensions, 0 if the device has no such
 * matrices. */
unsigned matrices_enable(const struct gpu_caps *caps, const char **names, struct matrix_features *ret);

/* The index of the device that `wanted` names, or of the best one.  -ENOENT: none. */
int device_choose(const struct gpu_info *infos, unsigned count, const char *wanted);
