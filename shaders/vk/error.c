/* Results of Vulkan calls as errno values, and debug names for objects. */
#include "shaders/vk/vk.h"

int vk_error(struct gpu *gpu, VkResult result)
{
        if (result >= 0) /* even if the device is lost: the object exists and must be freed */
                return 0;
        if (gpu->lost)
                return -ENODEV;
        switch (result) {
        case VK_ERROR_DEVICE_LOST:
                gpu->lost = true;
                return -ENODEV;
        case VK_ERROR_OUT_OF_HOST_MEMORY:
        case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        case VK_ERROR_OUT_OF_POOL_MEMORY:
        case VK_ERROR_FRAGMENTED_POOL:
        case VK_ERROR_MEMORY_MAP_FAILED:
        case VK_ERROR_TOO_MANY_OBJECTS:
                return -ENOMEM;
        default:
                return -ENOTSUP;
        }
}

void vk_name(struct gpu *gpu, VkObjectType type, uint64_t handle, const char *name)
{
        if (!gpu->set_name)
                return;
        gpu->set_name(gpu->device, &(VkDebugUtilsObjectNameInfoEXT){
                                           .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
                                           .objectType = type,
                                           .objectHandle = handle,
                                           .pObjectName = name,
                                   });
}
