/* Which whole matrices a device multiplies, by what a made-up driver says.  shaders/vk/matrices.c asks these functions
 * instead of Vulkan's. */
#include <string.h>

#include "shaders/vk/device.h"
#include "tests/cm.h"

static struct {
        const char *extension; /* NULL: none */
        bool matrices, model;
        uint32_t vendor;
        VkPhysicalDeviceType type;
        struct shape {
                uint32_t m, n, k, a, b, c, result, scope;
        } shapes[4];
        uint32_t count;
} driver;

bool device_has_extension(VkPhysicalDevice device, const char *name)
{
        return strstr(name, "cooperative") ? driver.extension && strcmp(name, driver.extension) == 0 : true;
}

void vkGetPhysicalDeviceProperties(VkPhysicalDevice device, VkPhysicalDeviceProperties *ret)
{
        *ret = (VkPhysicalDeviceProperties){.vendorID = driver.vendor, .deviceType = driver.type};
}

void vkGetPhysicalDeviceFeatures2(VkPhysicalDevice device, VkPhysicalDeviceFeatures2 *ret)
{
        struct matrix_features *features = ret->pNext;

        features->matrices.cooperativeMatrix = driver.matrices;
        features->model.vulkanMemoryModel = driver.model;
}

static VkResult shapes_nv(VkPhysicalDevice device, uint32_t *count, VkCooperativeMatrixPropertiesNV *ret)
{
        assert_true(*count >= driver.count);
        *count = driver.count;
        for (uint32_t i = 0; i < driver.count; i++) {
                const struct shape *s = &driver.shapes[i];

                assert_int_equal(ret[i].sType, VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_NV);
                ret[i] = (VkCooperativeMatrixPropertiesNV){ret[i].sType, NULL, s->m, s->n,      s->k,
                                                           s->a,         s->b, s->c, s->result, s->scope};
        }
        return VK_SUCCESS;
}

#ifdef VK_KHR_cooperative_matrix
static VkResult shapes_khr(VkPhysicalDevice device, uint32_t *count, VkCooperativeMatrixPropertiesKHR *ret)
{
        assert_true(*count >= driver.count);
        *count = driver.count;
        for (uint32_t i = 0; i < driver.count; i++) {
                const struct shape *s = &driver.shapes[i];

                assert_int_equal(ret[i].sType, VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR);
                ret[i] = (VkCooperativeMatrixPropertiesKHR){ret[i].sType, NULL, s->m,      s->n,  s->k,    s->a,
                                                            s->b,         s->c, s->result, false, s->scope};
        }
        return VK_SUCCESS;
}
#endif

PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance instance, const char *name)
{
#ifdef VK_KHR_cooperative_matrix
        if (strstr(name, "KHR"))
                return (PFN_vkVoidFunction)shapes_khr;
#endif
        return (PFN_vkVoidFunction)shapes_nv;
}

enum { F16 = VK_COMPONENT_TYPE_FLOAT16_NV, F32 = VK_COMPONENT_TYPE_FLOAT32_NV, S8 = VK_COMPONENT_TYPE_SINT8_NV };
enum { SUBGROUP_SCOPE = VK_SCOPE_SUBGROUP_NV, WORKGROUP_SCOPE = VK_SCOPE_WORKGROUP_NV };

static const struct gpu_caps typical = {
        .subgroup = 32, .subgroup_least = 32, .subgroup_most = 64, .shared_memory = 49152, .float16 = true};

static int setup(void **state)
{
        driver = (typeof(driver)){
                .extension = VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME,
                .matrices = true,
                .model = true,
                .shapes = {{16, 16, 16, F16, F16, F32, F32, SUBGROUP_SCOPE}},
                .count = 1,
        };
        return 0;
}

static void is(const struct gpu_caps *device, enum gpu_matrices kind, uint32_t m, uint32_t n, uint32_t k)
{
        struct gpu_caps caps = *device;

        matrices_caps(NULL, NULL, &caps);
        assert_int_equal(caps.matrices, kind);
        assert_int_equal(caps.matrix_m, m);
        assert_int_equal(caps.matrix_n, n);
        assert_int_equal(caps.matrix_k, k);
}

static void takes_halves_summed_in_32_bits(void **state)
{
        static const struct shape others[] = {
                {16, 16, 16, F16, F16, F16, F16, SUBGROUP_SCOPE},  {16, 16, 16, F32, F32, F32, F32, SUBGROUP_SCOPE},
                {16, 16, 16, S8, S8, F32, F32, SUBGROUP_SCOPE},    {16, 16, 16, F16, F16, F16, F32, SUBGROUP_SCOPE},
                {16, 16, 16, F16, F16, F32, F32, WORKGROUP_SCOPE}, {32, 8, 16, F16, F16, F32, F32, SUBGROUP_SCOPE},
                {16, 16, 64, F16, F16, F32, F32, SUBGROUP_SCOPE},  {0, 0, 0, F16, F16, F32, F32, SUBGROUP_SCOPE},
        };

        is(&typical, GPU_MATRICES_NV, 16, 16, 16);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                driver.shapes[0] = others[i];
                is(&typical, GPU_MATRICES_NONE, 0, 0, 0);
        }
        driver.count = 0;
        is(&typical, GPU_MATRICES_NONE, 0, 0, 0);
}

static void takes_the_largest(void **state)
{
        driver.shapes[0] = (struct shape){16, 8, 8, F16, F16, F32, F32, SUBGROUP_SCOPE};
        driver.shapes[1] = (struct shape){16, 16, 16, F16, F16, F32, F32, SUBGROUP_SCOPE};
        driver.shapes[2] = (struct shape){16, 8, 16, F16, F16, F32, F32, SUBGROUP_SCOPE};
        driver.shapes[3] = (struct shape){16, 16, 32, S8, S8, F32, F32, SUBGROUP_SCOPE};
        driver.count = 4;
        is(&typical, GPU_MATRICES_NV, 16, 16, 16);
}

static void needs_all_features(void **state)
{
        bool *const each[] = {&driver.matrices, &driver.model};
        struct gpu_caps caps = typical;

        for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
                *each[i] = false;
                is(&typical, GPU_MATRICES_NONE, 0, 0, 0);
                *each[i] = true;
        }
        driver.extension = NULL;
        is(&typical, GPU_MATRICES_NONE, 0, 0, 0);
        setup(state);
        caps.subgroup_most = caps.subgroup_least = 0; /* the size of subgroups is not certain */
        is(&caps, GPU_MATRICES_NONE, 0, 0, 0);
        caps = typical;
        caps.shared_memory = 16384;
        is(&caps, GPU_MATRICES_NONE, 0, 0, 0);
        caps = typical;
        caps.float16 = false;
        is(&caps, GPU_MATRICES_NONE, 0, 0, 0);
}

static void asks_for_a_size_of_subgroups(void **state)
{
        struct gpu_caps caps = typical;

        matrices_caps(NULL, NULL, &caps);
        assert_int_equal(caps.matrix_subgroup, 32);
        driver.shapes[0].m = 8;
        caps = typical;
        caps.subgroup_least = 8;
        matrices_caps(NULL, NULL, &caps);
        assert_int_equal(caps.matrix_subgroup, 16);
        caps = typical;
        caps.subgroup = caps.subgroup_least = caps.subgroup_most = 8;
        matrices_caps(NULL, NULL, &caps);
        assert_int_equal(caps.matrix_subgroup, 8);
}

static void leaves_out_what_is_emulated(void **state)
{
        struct gpu_caps caps = typical;

        caps.subgroup_least = 8;
        driver.vendor = 0x8086;
        driver.type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
        is(&caps, GPU_MATRICES_NONE, 0, 0, 0);
        driver.type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
        is(&caps, GPU_MATRICES_NV, 16, 16, 16);
        driver.type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
        caps.subgroup_least = 16;
        is(&caps, GPU_MATRICES_NV, 16, 16, 16);
}

static void enables_what_it_found(void **state)
{
        const char *names[MATRIX_EXTENSIONS];
        struct matrix_features features;
        struct gpu_caps caps = typical;

        assert_int_equal(matrices_enable(&caps, names, &features), 0);
        matrices_caps(NULL, NULL, &caps);
        assert_int_equal(matrices_enable(&caps, names, &features), MATRIX_EXTENSIONS);
        assert_string_equal(names[0], driver.extension);
        assert_int_equal(features.matrices.sType, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_NV);
        assert_true(features.matrices.cooperativeMatrix && features.model.vulkanMemoryModel);
        assert_ptr_equal(features.matrices.pNext, &features.model);
        assert_null(features.model.pNext);
}

static void prefers_the_common_extension(void **state)
{
#ifdef VK_KHR_cooperative_matrix
        driver.extension = VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
        is(&typical, GPU_MATRICES_KHR, 16, 16, 16);
#else
        driver.extension = "VK_KHR_cooperative_matrix"; /* which these headers do not know */
        is(&typical, GPU_MATRICES_NONE, 0, 0, 0);
#endif
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(takes_halves_summed_in_32_bits, setup),
                cmocka_unit_test_setup(takes_the_largest, setup),
                cmocka_unit_test_setup(needs_all_features, setup),
                cmocka_unit_test_setup(asks_for_a_size_of_subgroups, setup),
                cmocka_unit_test_setup(leaves_out_what_is_emulated, setup),
                cmocka_unit_test_setup(enables_what_it_found, setup),
                cmocka_unit_test_setup(prefers_the_common_extension, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
