#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shaders/vk/device.h"

enum { EXTENSIONS = 6 };

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *userdata)
{
        struct gpu *gpu = userdata;

        gpu->validation_messages++;
        /* Only with VISAGED_VALIDATE, whose purpose is to show this. */
        fprintf(stderr, "validation: %s\n", data->pMessage);
        return VK_FALSE;
}

static int listen(struct gpu *gpu)
{
        PFN_vkCreateDebugUtilsMessengerEXT create =
                (void *)vkGetInstanceProcAddr(gpu->instance, "vkCreateDebugUtilsMessengerEXT");
        VkDebugUtilsMessengerCreateInfoEXT info = {
                .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
                .messageSeverity =
                        VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
                .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
                .pfnUserCallback = on_message,
                .pUserData = gpu,
        };

        if (!create)
                return -ENOTSUP;
        return vk_made(gpu, &gpu->messenger, create(gpu->instance, &info, NULL, &gpu->messenger));
}

static void tell_devices(const struct gpu_info *infos, unsigned count, const char *wanted, char *why, size_t why_size)
{
        char there[300] = "none";
        size_t n = 0;

        for (unsigned i = 0; i < count && n < sizeof there; i++)
                n += snprintf(there + n, sizeof there - n, "%s%s", i > 0 ? ", " : "", infos[i].name);
        snprintf(why, why_size, "no GPU is called \"%.100s\"; there are: %s (\"visagectl gpus\" tells more)", wanted,
                 there);
}

/* Chooses the device by name, number or node.  On failure `why` lists the available ones. */
static int pick(struct gpu *gpu, const char *wanted, char *why, size_t why_size)
{
        VkPhysicalDevice *devices = NULL;
        struct gpu_info *infos = NULL;
        unsigned count = 0;

        int r = device_enumerate(gpu->instance, &devices, &count);
        if (r >= 0 && !(infos = calloc(count + 1, sizeof *infos)))
                r = -ENOMEM;
        if (r < 0) {
                snprintf(why, why_size, "out of memory");
                goto out;
        }
        for (unsigned i = 0; i < count; i++)
                device_describe(devices[i], i, &infos[i]);
        int i = r = device_choose(infos, count, wanted);
        if (i < 0 && wanted && wanted[0])
                tell_devices(infos, count, wanted, why, why_size);
        else if (i < 0)
                snprintf(why, why_size,
                         "no GPU can be used: install a Vulkan driver for it, or Mesa's software driver "
                         "(Debian: mesa-vulkan-drivers)");
        else if (infos[i].unusable[0]) {
                snprintf(why, why_size, "%s cannot be used: %s", infos[i].name, infos[i].unusable);
                r = infos[i].kind == GPU_KIND_CPU && !device_may_compile() ? -EPERM : -ENOTSUP;
        } else {
                gpu->info = infos[i];
                gpu->physical = devices[i];
                r = 0;
        }
out:
        free(infos);
        free(devices);
        return r;
}

/* Those that are there and of use. */
static uint32_t list_extensions(const struct gpu_caps *caps, const char **ret)
{
        const struct {
                bool wanted;
                const char *name;
        } all[EXTENSIONS] = {
                {caps->subgroup_most > 0, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME},
                {caps->float16, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME},
                {caps->host_alignment > 0, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME},
                {caps->dmabuf, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME},
                {caps->dmabuf, VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME},
                {caps->foreign_family, VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME},
        };
        uint32_t count = 0;

        for (int i = 0; i < EXTENSIONS; i++)
                if (all[i].wanted)
                        ret[count++] = all[i].name;
        return count;
}

static int create_device(struct gpu *gpu)
{
        VkDeviceQueueCreateInfo queue = {
                .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                .queueFamilyIndex = gpu->family,
                .queueCount = 1,
                .pQueuePriorities = &(float){1},
        };
        const VkPhysicalDeviceFeatures features = {.shaderInt64 = gpu->caps.int64};
        const char *extensions[EXTENSIONS + MATRIX_EXTENSIONS];
        struct matrix_features matrices;
        const unsigned count = matrices_enable(&gpu->caps, extensions, &matrices);
        const void *enabled = count > 0 ? &matrices : NULL;
        const VkPhysicalDeviceShaderFloat16Int8Features halves = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
                .pNext = (void *)enabled,
                .shaderFloat16 = true,
        };
        if (gpu->caps.float16)
                enabled = &halves;
        const VkPhysicalDeviceSubgroupSizeControlFeatures control = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
                .pNext = (void *)enabled,
                .subgroupSizeControl = true,
        };
        if (gpu->caps.subgroup_most > 0)
                enabled = &control;
        VkDeviceCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                .pNext = enabled,
                .enabledExtensionCount = count + list_extensions(&gpu->caps, extensions + count),
                .ppEnabledExtensionNames = extensions,
                .queueCreateInfoCount = 1,
                .pQueueCreateInfos = &queue,
                .pEnabledFeatures = &features,
        };
        int r = vk_made(gpu, &gpu->device, vkCreateDevice(gpu->physical, &info, NULL, &gpu->device));
        if (r < 0)
                return r;
        vkGetDeviceQueue(gpu->device, gpu->family, 0, &gpu->queue);
        foreign_init(gpu);
        VkCommandPoolCreateInfo pool = {
                .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                .queueFamilyIndex = gpu->family,
        };
        return vk_made(gpu, &gpu->commands, vkCreateCommandPool(gpu->device, &pool, NULL, &gpu->commands));
}

static int open_device(struct gpu *gpu, const struct gpu_options *options)
{
        int r;

        vkGetPhysicalDeviceProperties(gpu->physical, &gpu->properties);
        vkGetPhysicalDeviceMemoryProperties(gpu->physical, &gpu->memory);
        device_caps(gpu->instance, gpu->physical, &gpu->caps);
        if ((r = device_family(gpu->physical, &gpu->family)) < 0 || (r = create_device(gpu)) < 0)
                return r;
        if ((r = choices_open(gpu, options->cache_dir)) < 0 || (r = cache_open(gpu, options->cache_dir)) < 0 ||
            (r = pipelines_init(gpu)) < 0)
                return r;
        return queue_init(gpu);
}

int vk_open(const struct gpu_options *options, struct gpu **ret, char *why, size_t why_size)
{
        bool validate = false;

        struct gpu *gpu = calloc(1, sizeof *gpu);
        if (!gpu) {
                snprintf(why, why_size, "out of memory");
                return -ENOMEM;
        }
        gpu->event = -1;
        int r = device_instance(&gpu->instance, &validate, why, why_size);
        if (r < 0) {
                free(gpu);
                return r;
        }
        if (validate) {
                gpu->set_name = (void *)vkGetInstanceProcAddr(gpu->instance, "vkSetDebugUtilsObjectNameEXT");
                r = listen(gpu);
        }
        if (r == 0 && (r = pick(gpu, options->device, why, why_size)) == 0) {
                r = open_device(gpu, options);
                if (r < 0)
                        snprintf(why, why_size, "%s cannot be opened: %s", gpu->info.name, strerror(-r));
        }
        if (r < 0) {
                gpu_close(gpu);
                return r;
        }
        *ret = gpu;
        return 0;
}

void gpu_close(struct gpu *gpu)
{
        if (!gpu)
                return;
        if (gpu->device) {
                queue_finish(gpu); /* waits for everything */
                cache_close(gpu);
                pipelines_finish(gpu);
        }
        if (gpu->abandoned) /* the waiter may come back */
                return;
        choices_close(gpu);
        free(gpu->runs);
        if (gpu->stuck) { /* leave the rest as it is */
                free(gpu);
                return;
        }
        if (gpu->device) {
                vkDestroyCommandPool(gpu->device, gpu->commands, NULL);
                vkDestroyDevice(gpu->device, NULL);
        }
        if (gpu->messenger) {
                PFN_vkDestroyDebugUtilsMessengerEXT destroy =
                        (void *)vkGetInstanceProcAddr(gpu->instance, "vkDestroyDebugUtilsMessengerEXT");
                destroy(gpu->instance, gpu->messenger, NULL);
        }
        vkDestroyInstance(gpu->instance, NULL);
        free(gpu);
}

const struct gpu_info *gpu_info(const struct gpu *gpu)
{
        return &gpu->info;
}

enum gpu_backend gpu_backend(const struct gpu *gpu)
{
        return gpu->backend;
}

unsigned gpu_validation_messages(const struct gpu *gpu)
{
        return gpu->validation_messages;
}
