#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

#include "shaders/vk/device.h"

static const char *const kind_names[] = {
        [GPU_KIND_DISCRETE] = "discrete", [GPU_KIND_INTEGRATED] = "integrated", [GPU_KIND_VIRTUAL] = "virtual",
        [GPU_KIND_CPU] = "cpu",           [GPU_KIND_OTHER] = "other",
};

const char *gpu_kind_name(enum gpu_kind kind)
{
        return kind_names[kind];
}

static const char *const backend_names[] = {
        [GPU_BACKEND_AUTO] = "auto",
        [GPU_BACKEND_SUBGROUP] = "subgroup",
        [GPU_BACKEND_TILED] = "tiled",
};

const char *gpu_backend_name(enum gpu_backend backend)
{
        return backend_names[backend];
}

static bool have_layer(const char *name)
{
        uint32_t count = 0;
        bool found = false;

        vkEnumerateInstanceLayerProperties(&count, NULL);
        VkLayerProperties *layers = calloc(count, sizeof *layers);
        if (layers && vkEnumerateInstanceLayerProperties(&count, layers) >= 0)
                for (uint32_t i = 0; i < count; i++)
                        found |= !strcmp(layers[i].layerName, name);
        free(layers);
        return found;
}

static bool have_instance_extension(const char *name)
{
        uint32_t count = 0;
        bool found = false;

        vkEnumerateInstanceExtensionProperties(NULL, &count, NULL);
        VkExtensionProperties *extensions = calloc(count, sizeof *extensions);
        if (extensions && vkEnumerateInstanceExtensionProperties(NULL, &count, extensions) >= 0)
                for (uint32_t i = 0; i < count; i++)
                        found |= !strcmp(extensions[i].extensionName, name);
        free(extensions);
        return found;
}

int device_instance(VkInstance *ret, bool *ret_validation, char *why, size_t why_size)
{
        static const char layer[] = "VK_LAYER_KHRONOS_validation";
        static const char debug[] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
        static const VkValidationFeatureEnableEXT sync = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
        const char *const layers[] = {layer};
        const char *const extensions[] = {debug};
        const char *wish = getenv("VISAGED_VALIDATE");
        bool validate = wish && wish[0];

        if (validate && !have_layer(layer)) {
                snprintf(why, why_size,
                         "VISAGED_VALIDATE is set but the Vulkan validation layers are not installed "
                         "(Debian: vulkan-validationlayers)");
                return -ENOENT;
        }
        VkValidationFeaturesEXT features = {
                .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
                .enabledValidationFeatureCount = 1,
                .pEnabledValidationFeatures = &sync,
        };
        VkApplicationInfo application = {
                .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                .pApplicationName = "visaged",
                .apiVersion = VK_API_VERSION_1_1,
        };
        VkInstanceCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                .pNext = validate ? &features : NULL,
                .pApplicationInfo = &application,
                .enabledLayerCount = validate,
                .ppEnabledLayerNames = layers,
                .enabledExtensionCount = validate || have_instance_extension(debug),
                .ppEnabledExtensionNames = extensions,
        };
        VkResult result = vkCreateInstance(&info, NULL, ret);
        if (result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY) {
                snprintf(why, why_size, "out of memory");
                return -ENOMEM;
        }
        if (result != VK_SUCCESS) {
                snprintf(why, why_size,
                         "no Vulkan driver answers (error %d): install one for this GPU, or Mesa's software driver "
                         "(Debian: mesa-vulkan-drivers)",
                         result);
                return -ENOENT;
        }
        if (ret_validation)
                *ret_validation = validate;
        return 0;
}

/* A driver that does not start counts as none. */
int device_enumerate(VkInstance instance, VkPhysicalDevice **ret, unsigned *ret_count)
{
        uint32_t count = 0;

        VkResult result = vkEnumeratePhysicalDevices(instance, &count, NULL);
        if (result < 0)
                count = 0;
        VkPhysicalDevice *devices = calloc(count + 1, sizeof *devices);
        if (devices && count && (result = vkEnumeratePhysicalDevices(instance, &count, devices)) < 0)
                count = 0;
        if (!devices || result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY) {
                free(devices);
                return -ENOMEM;
        }
        *ret = devices;
        *ret_count = count;
        return 0;
}

bool device_has_extension(VkPhysicalDevice device, const char *name)
{
        uint32_t count = 0;
        bool found = false;

        vkEnumerateDeviceExtensionProperties(device, NULL, &count, NULL);
        VkExtensionProperties *extensions = calloc(count, sizeof *extensions);
        if (extensions && vkEnumerateDeviceExtensionProperties(device, NULL, &count, extensions) >= 0)
                for (uint32_t i = 0; i < count; i++)
                        found |= !strcmp(extensions[i].extensionName, name);
        free(extensions);
        return found;
}

/* The DRM render node, found by its device number among the nodes that libdrm lists. */
static void find_node(VkPhysicalDevice device, char *ret, size_t ret_size)
{
        drmDevicePtr nodes[64];
        struct stat st;

        if (!device_has_extension(device, VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME))
                return;
        VkPhysicalDeviceDrmPropertiesEXT drm = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT};
        VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                                  .pNext = &drm};
        vkGetPhysicalDeviceProperties2(device, &properties);
        if (!drm.hasRender)
                return;
        int count = drmGetDevices2(0, nodes, 64);
        for (int i = 0; i < count; i++) {
                if (!(nodes[i]->available_nodes & 1 << DRM_NODE_RENDER))
                        continue;
                const char *path = nodes[i]->nodes[DRM_NODE_RENDER];
                if (stat(path, &st) == 0 && major(st.st_rdev) == drm.renderMajor &&
                    minor(st.st_rdev) == drm.renderMinor)
                        snprintf(ret, ret_size, "%s", path);
        }
        if (count > 0)
                drmFreeDevices(nodes, count);
}

int device_family(VkPhysicalDevice device, uint32_t *ret)
{
        VkQueueFamilyProperties families[16];
        uint32_t count = 16;
        int best = -1;

        vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families);
        for (uint32_t i = 0; i < count; i++) {
                if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT))
                        continue;
                if (best < 0 || !(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
                        best = i;
        }
        if (best < 0)
                return -ENOTSUP;
        *ret = best;
        return 0;
}

/* A driver for the CPU generates machine code and runs it, which a sandbox may forbid. */
bool device_may_compile(void)
{
        const size_t size = sysconf(_SC_PAGESIZE);

        void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
                return true;
        bool may = mprotect(page, size, PROT_READ | PROT_EXEC) == 0 || errno == ENOMEM;
        munmap(page, size);
        return may;
}

/* The requirements for a device; everything else is optional. */
static void check_usable(VkPhysicalDevice device, const VkPhysicalDeviceProperties *p, char *ret, size_t ret_size)
{
        const VkPhysicalDeviceLimits *l = &p->limits;
        uint32_t family;
        const struct {
                bool fails;
                const char *text;
        } checks[] = {
                {p->apiVersion < VK_API_VERSION_1_1, "it offers Vulkan 1.0, 1.1 is needed: update its driver"},
                {device_family(device, &family) < 0, "it has no queue that computes"},
                {l->maxComputeWorkGroupInvocations < 64, "its compute groups hold fewer than 64 invocations"},
                {l->maxComputeSharedMemorySize < 8192, "it has less than 8 KB of shared memory"},
                {l->maxStorageBufferRange < 1u << 27, "its storage buffers hold less than 128 MiB"},
                {l->maxPerStageDescriptorStorageBuffers < OPERANDS, "its shaders reach fewer than 5 storage buffers"},
                {l->maxPushConstantsSize < PUSH_CONSTANTS_SIZE, "it takes less than 128 bytes of push constants"},
                {p->deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU && !device_may_compile(),
                 "it computes on the processor, for which MemoryDenyWriteExecute= must be off: "
                 "see \"Software Vulkan\" in visaged(8)"},
        };

        ret[0] = 0;
        for (size_t i = 0; i < sizeof checks / sizeof *checks && !ret[0]; i++)
                if (checks[i].fails)
                        snprintf(ret, ret_size, "%s", checks[i].text);
}

static enum gpu_kind kind_of(VkPhysicalDeviceType type)
{
        switch (type) {
        case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
                return GPU_KIND_DISCRETE;
        case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
                return GPU_KIND_INTEGRATED;
        case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
                return GPU_KIND_VIRTUAL;
        case VK_PHYSICAL_DEVICE_TYPE_CPU:
                return GPU_KIND_CPU;
        default:
                return GPU_KIND_OTHER;
        }
}

void device_describe(VkPhysicalDevice device, unsigned index, struct gpu_info *ret)
{
        VkPhysicalDeviceMemoryProperties memory;
        VkPhysicalDeviceProperties p;

        vkGetPhysicalDeviceProperties(device, &p);
        *ret = (struct gpu_info){
                .index = index,
                .kind = kind_of(p.deviceType),
                .api_major = VK_API_VERSION_MAJOR(p.apiVersion),
                .api_minor = VK_API_VERSION_MINOR(p.apiVersion),
        };
        snprintf(ret->name, sizeof ret->name, "%s", p.deviceName);
        check_usable(device, &p, ret->unusable, sizeof ret->unusable);
        if (p.apiVersion >= VK_API_VERSION_1_1)
                find_node(device, ret->node, sizeof ret->node);

        snprintf(ret->driver, sizeof ret->driver, "%u.%u.%u", VK_API_VERSION_MAJOR(p.driverVersion),
                 VK_API_VERSION_MINOR(p.driverVersion), VK_API_VERSION_PATCH(p.driverVersion));
        if (p.apiVersion >= VK_API_VERSION_1_2 ||
            (p.apiVersion >= VK_API_VERSION_1_1 &&
             device_has_extension(device, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME))) {
                VkPhysicalDeviceDriverProperties driver = {.sType =
                                                                   VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
                VkPhysicalDeviceProperties2 p2 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                                  .pNext = &driver};
                vkGetPhysicalDeviceProperties2(device, &p2);
                snprintf(ret->driver, sizeof ret->driver, "%.100s %.150s", driver.driverName, driver.driverInfo);
        }

        vkGetPhysicalDeviceMemoryProperties(device, &memory);
        for (uint32_t i = 0; i < memory.memoryHeapCount; i++)
                if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT &&
                    memory.memoryHeaps[i].size > ret->memory)
                        ret->memory = memory.memoryHeaps[i].size;
}

/* If none is usable, the first one: its `unusable` says why. */
static int choose_best(const struct gpu_info *infos, unsigned count)
{
        int best = -1;

        for (unsigned i = 0; i < count; i++)
                if (!infos[i].unusable[0] && (best < 0 || infos[i].kind < infos[best].kind))
                        best = i;
        if (best < 0)
                best = count > 0 ? 0 : -ENOENT;
        return best;
}

int device_choose(const struct gpu_info *infos, unsigned count, const char *wanted)
{
        if (!wanted || !wanted[0])
                return choose_best(infos, count);

        char *end;
        unsigned long index = strtoul(wanted, &end, 10);
        if (!*end && index < count) /* otherwise it is part of a name, such as "4090" */
                return (int)index;
        for (unsigned i = 0; i < count; i++)
                if (!strcmp(infos[i].node, wanted))
                        return i;
        for (unsigned i = 0; i < count; i++)
                if (strcasestr(infos[i].name, wanted))
                        return i;
        return -ENOENT;
}

int gpu_list(struct gpu_info **ret, char *why, size_t why_size)
{
        VkPhysicalDevice *devices = NULL;
        VkInstance instance;
        unsigned count = 0;

        int r = device_instance(&instance, NULL, why, why_size);
        if (r < 0)
                return r;
        r = device_enumerate(instance, &devices, &count);
        struct gpu_info *infos = r < 0 ? NULL : calloc(count + 1, sizeof *infos);
        if (!infos) {
                snprintf(why, why_size, "out of memory");
                r = -ENOMEM;
        } else {
                for (unsigned i = 0; i < count; i++)
                        device_describe(devices[i], i, &infos[i]);
                *ret = infos;
                r = count;
        }
        free(devices);
        vkDestroyInstance(instance, NULL);
        return r;
}
