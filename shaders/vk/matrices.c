/* Whole matrices that a subgroup multiplies ("cooperative matrices"): Khronos's extension, or NVIDIA's from which it
 * was made, for headers and drivers that only have that. */
#include "shaders/vk/device.h"

enum { SHAPES_MOST = 64 };              /* of those that a driver offers, more are not looked at */
enum { SHARED_MEMORY_LEAST = 1 << 15 }; /* all devices that multiply matrices have as much */

static bool is_one_of(uint32_t n, uint32_t a, uint32_t b, uint32_t c)
{
        return n == a || n == b || n == c;
}

/* Of those that kernels can use, the largest has the most products for what it loads. */
static void consider(uint32_t m, uint32_t n, uint32_t k, struct gpu_caps *ret)
{
        if (!is_one_of(m, 8, 16, 16) || !is_one_of(n, 8, 16, 16) || !is_one_of(k, 8, 16, 32) ||
            m * n * k <= ret->matrix_m * ret->matrix_n * ret->matrix_k)
                return;
        ret->matrix_m = m;
        ret->matrix_n = n;
        ret->matrix_k = k;
}

/* The product of two matrices of halves, added to one of 32 bits: its entry in either extension's list. */
#define MULTIPLIES_HALVES(shape, result)                                                                               \
        ((shape).AType == VK_COMPONENT_TYPE_FLOAT16_NV && (shape).BType == VK_COMPONENT_TYPE_FLOAT16_NV &&             \
         (shape).CType == VK_COMPONENT_TYPE_FLOAT32_NV && (shape).result == VK_COMPONENT_TYPE_FLOAT32_NV &&            \
         (shape).scope == VK_SCOPE_SUBGROUP_NV)

static void shapes_nv(VkInstance instance, VkPhysicalDevice device, struct gpu_caps *ret)
{
        PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesNV get =
                (void *)vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesNV");
        VkCooperativeMatrixPropertiesNV shapes[SHAPES_MOST];
        uint32_t count = SHAPES_MOST;

        for (int i = 0; i < SHAPES_MOST; i++)
                shapes[i] =
                        (VkCooperativeMatrixPropertiesNV){.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_NV};
        if (!get || get(device, &count, shapes) < 0)
                return;
        for (uint32_t i = 0; i < count; i++)
                if (MULTIPLIES_HALVES(shapes[i], DType))
                        consider(shapes[i].MSize, shapes[i].NSize, shapes[i].KSize, ret);
}

#ifdef VK_KHR_cooperative_matrix
static void shapes_khr(VkInstance instance, VkPhysicalDevice device, struct gpu_caps *ret)
{
        PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get =
                (void *)vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
        VkCooperativeMatrixPropertiesKHR shapes[SHAPES_MOST];
        uint32_t count = SHAPES_MOST;

        for (int i = 0; i < SHAPES_MOST; i++)
                shapes[i] = (VkCooperativeMatrixPropertiesKHR){
                        .sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR};
        if (!get || get(device, &count, shapes) < 0)
                return;
        for (uint32_t i = 0; i < count; i++)
                if (MULTIPLIES_HALVES(shapes[i], ResultType) && !shapes[i].saturatingAccumulation)
                        consider(shapes[i].MSize, shapes[i].NSize, shapes[i].KSize, ret);
}
#endif

/* Both structures of features are alike; the best extension is first. */
static const struct extension {
        enum gpu_matrices kind;
        const char *name;
        VkStructureType features;
        void (*shapes)(VkInstance instance, VkPhysicalDevice device, struct gpu_caps *ret);
} extensions[] = {
#ifdef VK_KHR_cooperative_matrix
        {GPU_MATRICES_KHR, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME,
         VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR, shapes_khr},
#endif
        {GPU_MATRICES_NV, VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME,
         VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_NV, shapes_nv},
};

/* What the kernels need besides 16-bit arithmetic: the memory model in which such matrices are defined. */
static void chain(const struct extension *extension, struct matrix_features *ret)
{
        *ret = (struct matrix_features){
                .matrices = {.sType = extension->features, .pNext = &ret->model},
                .model = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES},
        };
}

static bool offers(VkPhysicalDevice device, const struct extension *extension)
{
        struct matrix_features features;
        VkPhysicalDeviceFeatures2 f = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                       .pNext = &features.matrices};

        if (!device_has_extension(device, extension->name) ||
            !device_has_extension(device, VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME))
                return false;
        chain(extension, &features);
        vkGetPhysicalDeviceFeatures2(device, &f);
        return features.matrices.cooperativeMatrix && features.model.vulkanMemoryModel;
}

/* Intel's driver offers matrices on GPUs without units for them, too, where they are slower than anything else.  Of
 * those with subgroups of 8, only the discrete ones have such units. */
static bool is_emulated(VkPhysicalDevice device, const struct gpu_caps *caps)
{
        enum { INTEL = 0x8086 };
        VkPhysicalDeviceProperties p;

        vkGetPhysicalDeviceProperties(device, &p);
        return p.vendorID == INTEL && p.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU &&
               caps->subgroup_least < 16;
}

/* Intel's GPUs, whose matrices have 8 rows, have more registers for each of 16 invocations than for each of 32. */
static uint32_t subgroup(const struct gpu_caps *caps)
{
        return caps->matrix_m == 8 && caps->subgroup > 16 && caps_can_ask_for(caps, 16) ? 16 : caps->subgroup;
}

void matrices_caps(VkInstance instance, VkPhysicalDevice device, struct gpu_caps *ret)
{
        if (!ret->float16 || !caps_can_ask_for(ret, ret->subgroup) || ret->shared_memory < SHARED_MEMORY_LEAST ||
            is_emulated(device, ret))
                return;
        for (size_t i = 0; i < sizeof extensions / sizeof *extensions && ret->matrices == GPU_MATRICES_NONE; i++) {
                if (offers(device, &extensions[i]))
                        extensions[i].shapes(instance, device, ret);
                if (ret->matrix_m > 0)
                        ret->matrices = extensions[i].kind;
        }
        ret->matrix_subgroup = subgroup(ret);
}

unsigned matrices_enable(const struct gpu_caps *caps, const char **names, struct matrix_features *ret)
{
        for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
                if (extensions[i].kind == caps->matrices) {
                        chain(&extensions[i], ret);
                        ret->matrices.cooperativeMatrix = ret->model.vulkanMemoryModel = true;
                        names[0] = extensions[i].name;
                        names[1] = VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME;
                        return MATRIX_EXTENSIONS;
                }
        return 0;
}
