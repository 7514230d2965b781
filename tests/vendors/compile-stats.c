/* Prints the statistics that the compiler of the only Vulkan device reports about kernels.  Reads a line for
 * each pipeline from stdin, `FILE buffers|texels [ID=VALUE...] [f16|khr|nv]`: SPIR-V, how it reads its
 * inputs, specialization constants, and what not every device has: 16-bit arithmetic, or an extension by which it
 * multiplies matrices, in the shape that the device offers.  Prints an object for the device, then one for each line.
 * Nothing is run, so the device may be a null one. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "shaders/glsl/network-params.h"
#include "shaders/vk/device.h"

enum { INPUTS = 4, CONSTANTS_MAX = 16, SPIRV_MAX = 1 << 20 };

static VkPhysicalDevice physical;
static VkDevice device;
static struct gpu_caps caps;
static PFN_vkGetPipelineExecutablePropertiesKHR get_executables;
static PFN_vkGetPipelineExecutableStatisticsKHR get_statistics;

static void require(VkResult result, const char *what)
{
        if (result != VK_SUCCESS) {
                fprintf(stderr, "%s: error %d\n", what, result);
                exit(1);
        }
}

static void print(json_t *object)
{
        json_dumpf(object, stdout, 0);
        putchar('\n');
        fflush(stdout);
        json_decref(object);
}

static void open_device(void)
{
        const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                               .apiVersion = VK_API_VERSION_1_2};
        const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                                    .pApplicationInfo = &application};
        const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                               .queueCount = 1,
                                               .pQueuePriorities = (const float[]){1}};
        const char *extensions[MATRIX_EXTENSIONS + 3];
        struct matrix_features matrices;
        uint32_t count = 1;
        VkInstance instance;

        require(vkCreateInstance(&instance_info, NULL, &instance), "vkCreateInstance");
        if (vkEnumeratePhysicalDevices(instance, &count, &physical) < 0 || count == 0) {
                fprintf(stderr, "there is no device\n");
                exit(1);
        }
        device_caps(instance, physical, &caps);
        count = matrices_enable(&caps, extensions, &matrices);
        const VkPhysicalDeviceShaderFloat16Int8Features halves = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
                .pNext = count > 0 ? &matrices : NULL,
                .shaderFloat16 = VK_TRUE};
        const VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
                .pNext = caps.float16 ? (void *)&halves : NULL,
                .pipelineExecutableInfo = VK_TRUE};
        const VkPhysicalDeviceSubgroupSizeControlFeatures control = {
                .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
                .pNext = (void *)&statistics,
                .subgroupSizeControl = VK_TRUE};
        extensions[count++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
        if (caps.float16)
                extensions[count++] = VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME;
        if (caps.subgroup_most > 0)
                extensions[count++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
        const VkDeviceCreateInfo device_info = {
                .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                .pNext = caps.subgroup_most > 0 ? (const void *)&control : &statistics,
                .queueCreateInfoCount = 1,
                .pQueueCreateInfos = &queue,
                .enabledExtensionCount = count,
                .ppEnabledExtensionNames = extensions,
        };
        require(vkCreateDevice(physical, &device_info, NULL, &device), "vkCreateDevice");
        get_executables = (void *)vkGetDeviceProcAddr(device, "vkGetPipelineExecutablePropertiesKHR");
        get_statistics = (void *)vkGetDeviceProcAddr(device, "vkGetPipelineExecutableStatisticsKHR");
}

static json_t *describe_device(void)
{
        VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
        VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                                  .pNext = &driver};

        vkGetPhysicalDeviceProperties2(physical, &properties);
        return json_pack("{s:s,s:s,s:[iii]}", "device", properties.properties.deviceName, "driver", driver.driverInfo,
                         "matrix", caps.matrix_m, caps.matrix_n, caps.matrix_k);
}

static VkPipelineLayout make_layout(bool texels)
{
        VkDescriptorSetLayoutBinding bindings[INPUTS + 1];
        const VkDescriptorSetLayoutCreateInfo set_info = {
                .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                .bindingCount = INPUTS + 1,
                .pBindings = bindings,
        };
        const VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 128};
        VkPipelineLayout layout;
        VkDescriptorSetLayout set;

        for (uint32_t i = 0; i <= INPUTS; i++)
                bindings[i] = (VkDescriptorSetLayoutBinding){
                        .binding = i,
                        .descriptorType = texels && i < INPUTS ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
                                                               : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                        .descriptorCount = 1,
                        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                };
        require(vkCreateDescriptorSetLayout(device, &set_info, NULL, &set), "vkCreateDescriptorSetLayout");
        const VkPipelineLayoutCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                .setLayoutCount = 1,
                .pSetLayouts = &set,
                .pushConstantRangeCount = 1,
                .pPushConstantRanges = &push,
        };
        require(vkCreatePipelineLayout(device, &info, NULL, &layout), "vkCreatePipelineLayout");
        return layout;
}

static VkShaderModule read_module(const char *path)
{
        static uint32_t words[SPIRV_MAX / 4];
        FILE *file = fopen(path, "rb");
        VkShaderModule module;

        if (!file) {
                perror(path);
                exit(1);
        }
        const VkShaderModuleCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                .codeSize = fread(words, 1, sizeof words, file),
                .pCode = words,
        };
        fclose(file);
        require(vkCreateShaderModule(device, &info, NULL, &module), path);
        return module;
}

static double number(const VkPipelineExecutableStatisticKHR *statistic)
{
        switch (statistic->format) {
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR:
                return statistic->value.f64;
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
                return (double)statistic->value.i64;
        default:
                return (double)statistic->value.u64;
        }
}

/* Every executable that a driver made of the pipeline, such as one for each SIMD width. */
static json_t *statistics_of(VkPipeline pipeline)
{
        const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
        VkPipelineExecutablePropertiesKHR executables[8];
        json_t *list = json_array();
        uint32_t count = 8;

        for (uint32_t i = 0; i < count; i++)
                executables[i] = (VkPipelineExecutablePropertiesKHR){
                        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
        require(get_executables(device, &info, &count, executables), "vkGetPipelineExecutablePropertiesKHR");
        for (uint32_t e = 0; e < count; e++) {
                const VkPipelineExecutableInfoKHR which = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                                           .pipeline = pipeline,
                                                           .executableIndex = e};
                VkPipelineExecutableStatisticKHR statistics[64];
                json_t *object = json_pack("{s:s,s:i}", "executable", executables[e].name, "subgroup",
                                           (int)executables[e].subgroupSize);
                uint32_t n = 64;

                for (uint32_t i = 0; i < n; i++)
                        statistics[i] = (VkPipelineExecutableStatisticKHR){
                                .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR};
                require(get_statistics(device, &which, &n, statistics), "vkGetPipelineExecutableStatisticsKHR");
                for (uint32_t i = 0; i < n; i++)
                        json_object_set_new(object, statistics[i].name, json_real(number(&statistics[i])));
                json_array_append_new(list, object);
        }
        return list;
}

struct constants {
        VkSpecializationMapEntry entries[CONSTANTS_MAX];
        int32_t values[CONSTANTS_MAX];
        uint32_t count;
};

static void add(struct constants *constants, uint32_t id, int32_t value)
{
        const uint32_t i = constants->count++;

        constants->values[i] = value;
        constants->entries[i] = (VkSpecializationMapEntry){id, i * sizeof value, sizeof value};
}

static void add_matrices(struct constants *constants)
{
        add(constants, FIRST_CONSTANT + COOPERATIVE_M, caps.matrix_m);
        add(constants, FIRST_CONSTANT + COOPERATIVE_N, caps.matrix_n);
        add(constants, FIRST_CONSTANT + COOPERATIVE_K, caps.matrix_k);
        add(constants, FIRST_CONSTANT + COOPERATIVE_INVOCATIONS,
            COOPERATIVE_SUBGROUPS(caps.matrix_m) * caps.matrix_subgroup);
}

static json_t *compile(char *line)
{
        const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
                .requiredSubgroupSize = caps.matrix_subgroup,
        };
        const char *path = strtok(line, " \n"), *reading = strtok(NULL, " \n"), *word;
        struct constants constants = {.count = 0};
        enum gpu_matrices matrices = GPU_MATRICES_NONE;
        bool lacking = false;
        int32_t value;
        uint32_t id;
        VkPipeline pipeline;

        if (!path || !reading) {
                fprintf(stderr, "a line is: FILE buffers|texels [ID=VALUE...] [f16|khr|nv]\n");
                exit(1);
        }
        while ((word = strtok(NULL, " \n")) && constants.count < CONSTANTS_MAX - 4)
                if (sscanf(word, "%u=%d", &id, &value) == 2)
                        add(&constants, id, value);
                else if (strcmp(word, "f16") == 0)
                        lacking |= !caps.float16;
                else
                        matrices = strcmp(word, "khr") == 0 ? GPU_MATRICES_KHR : GPU_MATRICES_NV;
        lacking |= matrices != GPU_MATRICES_NONE && caps.matrices != matrices;
        if (lacking)
                return json_pack("{s:[]}", "executables");
        if (matrices != GPU_MATRICES_NONE)
                add_matrices(&constants);
        const VkSpecializationInfo specialization = {constants.count, constants.entries, sizeof constants.values,
                                                     constants.values};
        const VkComputePipelineCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                .flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR,
                .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                          .pNext = matrices != GPU_MATRICES_NONE ? &subgroup : NULL,
                          .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                          .module = read_module(path),
                          .pName = "main",
                          .pSpecializationInfo = &specialization},
                .layout = make_layout(strcmp(reading, "texels") == 0),
        };
        require(vkCreateComputePipelines(device, NULL, 1, &info, NULL, &pipeline), path);
        return json_pack("{s:o}", "executables", statistics_of(pipeline));
}

int main(void)
{
        char line[4096];

        open_device();
        print(describe_device());
        while (fgets(line, sizeof line, stdin))
                print(compile(line));
        return 0; /* everything is freed with the process */
}
