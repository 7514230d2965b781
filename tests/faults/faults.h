/* Calls that can be made to fail, counted by function: those of Vulkan (fake-*.c, in place of libvulkan), and those
 * of the C library that allocate memory, threads or descriptors (fake-host.c, put in place by the linker's --wrap).
 * Outside faults_begin() ... faults_end(), nothing is counted and nothing fails. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAULT_POINTS(X)                                                                                                \
        X(vkCreateInstance)                                                                                            \
        X(vkEnumerateInstanceLayerProperties)                                                                          \
        X(vkEnumerateInstanceExtensionProperties)                                                                      \
        X(vkEnumeratePhysicalDevices)                                                                                  \
        X(vkEnumerateDeviceExtensionProperties)                                                                        \
        X(vkCreateDevice)                                                                                              \
        X(vkCreateCommandPool)                                                                                         \
        X(vkCreatePipelineCache)                                                                                       \
        X(vkGetPipelineCacheData)                                                                                      \
        X(vkCreateFence)                                                                                               \
        X(vkCreateDescriptorSetLayout)                                                                                 \
        X(vkCreatePipelineLayout)                                                                                      \
        X(vkCreateShaderModule)                                                                                        \
        X(vkCreateComputePipelines)                                                                                    \
        X(vkCreateBuffer)                                                                                              \
        X(vkAllocateMemory)                                                                                            \
        X(vkBindBufferMemory)                                                                                          \
        X(vkGetMemoryHostPointerPropertiesEXT)                                                                         \
        X(vkGetMemoryFdPropertiesKHR)                                                                                  \
        X(vkMapMemory)                                                                                                 \
        X(vkCreateBufferView)                                                                                          \
        X(vkCreateDescriptorPool)                                                                                      \
        X(vkAllocateDescriptorSets)                                                                                    \
        X(vkAllocateCommandBuffers)                                                                                    \
        X(vkBeginCommandBuffer)                                                                                        \
        X(vkEndCommandBuffer)                                                                                          \
        X(vkResetFences)                                                                                               \
        X(vkQueueSubmit)                                                                                               \
        X(vkWaitForFences)                                                                                             \
        X(vkGetFenceStatus)                                                                                            \
        X(vkDeviceWaitIdle)                                                                                            \
        X(malloc)                                                                                                      \
        X(calloc)                                                                                                      \
        X(realloc)                                                                                                     \
        X(strdup)                                                                                                      \
        X(asprintf)                                                                                                    \
        X(pthread_create)                                                                                              \
        X(eventfd)

#define FAULT_ENUM(name) FAULT_##name,
enum fault_point {
        FAULT_POINTS(FAULT_ENUM) FAULT_ANY, /* any Vulkan function */
        FAULTS,
        FAULT_HOST = FAULT_malloc, /* from here on, the C library's */
};

const char *fault_name(enum fault_point point); /* "vkQueueSubmit" */

/* From call number `nth` of `point` on (0 is the first), `times` calls fail with `result`: a VkResult, or an errno. */
struct fault {
        enum fault_point point;
        unsigned nth, times;
        int result;
};

void faults_begin(const struct fault *fault); /* NULL: nothing fails */
void faults_end(void);

/* Since faults_begin(). */
unsigned faults_calls(enum fault_point point);
unsigned faults_injected(void);

/* For the fakes: counts a call.  Returns 0, or the error with which it must fail. */
int fault_due(enum fault_point point);
bool faults_counting(void);
