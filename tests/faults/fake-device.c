/* Instance, device, memory, and objects that are made once. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/faults/fake-private.h"

void *__real_malloc(size_t size);

static char physical; /* there is only one */

/* Makes an object, or fails if a fault is due.  VK_ERROR_DEVICE_LOST also loses the device. */
static VkResult made(VkDevice device, enum fault_point point, enum fake_kind kind, void *ret,
                     struct fake_object **ret_object)
{
        VkResult result = fault_due(point);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *parent = fake_get(device, FAKE_DEVICE, fault_name(point));
        struct fake_object *object = fake_make(kind, parent, result, ret);
        if (result == VK_ERROR_DEVICE_LOST)
                fake_lose_device(parent);
        pthread_mutex_unlock(&fake_lock);
        if (ret_object)
                *ret_object = object;
        return result;
}

VkResult vkCreateInstance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator, VkInstance *ret)
{
        VkResult result = fault_due(FAULT_vkCreateInstance);

        LOCKED(fake_make(FAKE_INSTANCE, NULL, result, ret));
        return result;
}

void vkDestroyInstance(VkInstance instance, const VkAllocationCallbacks *allocator)
{
        LOCKED(fake_destroy(instance, FAKE_INSTANCE, "vkDestroyInstance"));
}

PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance instance, const char *name)
{
        return NULL; /* no extension */
}

/* There is no layer. */
VkResult vkEnumerateInstanceLayerProperties(uint32_t *count, VkLayerProperties *ret)
{
        *count = 0;
        return fault_due(FAULT_vkEnumerateInstanceLayerProperties);
}

/* For a list with one item.  `ret` has room for *count, and may be NULL. */
static VkResult list_one(uint32_t *count, const void *ret)
{
        const bool whole = !ret || *count > 0;

        *count = whole;
        return whole ? VK_SUCCESS : VK_INCOMPLETE;
}

/* One extension, which is not used. */
VkResult vkEnumerateInstanceExtensionProperties(const char *layer, uint32_t *count, VkExtensionProperties *ret)
{
        VkResult result = fault_due(FAULT_vkEnumerateInstanceExtensionProperties);

        if (result < 0)
                return result;
        if (ret && *count)
                ret[0] = (VkExtensionProperties){"VK_FAKE_nothing", 1};
        return list_one(count, ret);
}

/* All that is needed to import memory. */
VkResult vkEnumerateDeviceExtensionProperties(VkPhysicalDevice device, const char *layer, uint32_t *count,
                                              VkExtensionProperties *ret)
{
        static const VkExtensionProperties all[] = {
                {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME, 1},
                {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME, 1},
                {VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME, 1},
                {VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME, 1},
        };
        const uint32_t there = sizeof all / sizeof all[0];
        VkResult result = fault_due(FAULT_vkEnumerateDeviceExtensionProperties);

        if (result < 0)
                return result;
        for (uint32_t i = 0; ret && i < *count && i < there; i++)
                ret[i] = all[i];
        *count = ret && *count < there ? *count : there;
        return *count < there ? VK_INCOMPLETE : VK_SUCCESS;
}

VkResult vkEnumeratePhysicalDevices(VkInstance instance, uint32_t *count, VkPhysicalDevice *ret)
{
        VkResult result = fault_due(FAULT_vkEnumeratePhysicalDevices);

        if (result < 0)
                return result;
        LOCKED(fake_get(instance, FAKE_INSTANCE, "vkEnumeratePhysicalDevices"));
        if (ret && *count)
                ret[0] = (VkPhysicalDevice)&physical;
        return list_one(count, ret);
}

void vkGetPhysicalDeviceProperties(VkPhysicalDevice device, VkPhysicalDeviceProperties *ret)
{
        *ret = (VkPhysicalDeviceProperties){
                .apiVersion = VK_API_VERSION_1_3,
                .driverVersion = 1,
                .vendorID = 0xfa4e,
                .deviceID = 1,
                .deviceType = VK_PHYSICAL_DEVICE_TYPE_CPU,
                .deviceName = "fake",
                .pipelineCacheUUID = "fake",
                .limits = {.maxComputeWorkGroupInvocations = 1024,
                           .maxComputeSharedMemorySize = 32768,
                           .maxStorageBufferRange = 1 << 27,
                           .maxTexelBufferElements = 1 << 27,
                           .maxComputeWorkGroupCount = {65535, 65535, 65535},
                           .maxPerStageDescriptorStorageBuffers = 16,
                           .maxPushConstantsSize = 128},
        };
}

void vkGetPhysicalDeviceProperties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2 *ret)
{
        vkGetPhysicalDeviceProperties(device, &ret->properties);
        for (VkBaseOutStructure *s = ret->pNext; s; s = s->pNext) {
                if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES) {
                        VkPhysicalDeviceSubgroupProperties *subgroup = (void *)s;
                        subgroup->subgroupSize = 8;
                        subgroup->supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
                        subgroup->supportedOperations = VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
                } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES) {
                        VkPhysicalDeviceDriverProperties *driver = (void *)s;
                        strcpy(driver->driverName, "fake");
                        strcpy(driver->driverInfo, "1");
                } else if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT) {
                        ((VkPhysicalDeviceExternalMemoryHostPropertiesEXT *)s)->minImportedHostPointerAlignment = 4096;
                }
        }
}

/* Kernels that read texels need 64-bit integers for their stores. */
void vkGetPhysicalDeviceFeatures(VkPhysicalDevice device, VkPhysicalDeviceFeatures *ret)
{
        *ret = (VkPhysicalDeviceFeatures){.shaderInt64 = VK_TRUE};
}

/* There are none. */
void vkGetPhysicalDeviceFeatures2(VkPhysicalDevice device, VkPhysicalDeviceFeatures2 *ret)
{
}

void vkGetPhysicalDeviceMemoryProperties(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties *ret)
{
        *ret = (VkPhysicalDeviceMemoryProperties){
                .memoryTypeCount = 1,
                .memoryTypes = {{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                         VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                                 0}},
                .memoryHeapCount = 1,
                .memoryHeaps = {{UINT64_C(1) << 32, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}},
        };
}

void vkGetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice device, uint32_t *count, VkQueueFamilyProperties *ret)
{
        *count = 1;
        *ret = (VkQueueFamilyProperties){.queueFlags = VK_QUEUE_COMPUTE_BIT, .queueCount = 1};
}

VkResult vkCreateDevice(VkPhysicalDevice from, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *allocator,
                        VkDevice *ret)
{
        VkResult result = fault_due(FAULT_vkCreateDevice);

        LOCKED(fake_make(FAKE_DEVICE, NULL, result, ret));
        return result;
}

void vkDestroyDevice(VkDevice device, const VkAllocationCallbacks *allocator)
{
        LOCKED(fake_destroy(device, FAKE_DEVICE, "vkDestroyDevice"));
}

/* The device has one queue, without a handle of its own. */
void vkGetDeviceQueue(VkDevice device, uint32_t family, uint32_t index, VkQueue *ret)
{
        *ret = (VkQueue)device;
}

/* ---- memory ---- */

VkResult vkCreateBuffer(VkDevice device, const VkBufferCreateInfo *info, const VkAllocationCallbacks *allocator,
                        VkBuffer *ret)
{
        struct fake_object *buffer;
        VkResult result = made(device, FAULT_vkCreateBuffer, FAKE_BUFFER, ret, &buffer);

        if (buffer)
                buffer->size = info->size;
        return result;
}

void vkDestroyBuffer(VkDevice device, VkBuffer buffer, const VkAllocationCallbacks *allocator)
{
        LOCKED(fake_destroy(buffer, FAKE_BUFFER, "vkDestroyBuffer"));
}

void vkGetBufferMemoryRequirements(VkDevice device, VkBuffer buffer, VkMemoryRequirements *ret)
{
        LOCKED(*ret = ((VkMemoryRequirements){
                       .size = (fake_get(buffer, FAKE_BUFFER, "vkGetBufferMemoryRequirements")->size + 63) / 64 * 64,
                       .alignment = 64,
                       .memoryTypeBits = 1}));
}

void vkGetPhysicalDeviceExternalBufferProperties(VkPhysicalDevice device,
                                                 const VkPhysicalDeviceExternalBufferInfo *info,
                                                 VkExternalBufferProperties *ret)
{
        ret->externalMemoryProperties =
                (VkExternalMemoryProperties){.externalMemoryFeatures = VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT};
}

static VkResult host_properties(VkDevice device, VkExternalMemoryHandleTypeFlagBits handle, const void *pointer,
                                VkMemoryHostPointerPropertiesEXT *ret)
{
        VkResult result = fault_due(FAULT_vkGetMemoryHostPointerPropertiesEXT);

        if (handle != VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT || (uintptr_t)pointer % 4096)
                fake_misuse("vkGetMemoryHostPointerPropertiesEXT: %p", pointer);
        ret->memoryTypeBits = result == VK_SUCCESS;
        return result;
}

static VkResult fd_properties(VkDevice device, VkExternalMemoryHandleTypeFlagBits handle, int fd,
                              VkMemoryFdPropertiesKHR *ret)
{
        VkResult result = fault_due(FAULT_vkGetMemoryFdPropertiesKHR);

        if (handle != VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT || fcntl(fd, F_GETFD) < 0)
                fake_misuse("vkGetMemoryFdPropertiesKHR: %d", fd);
        ret->memoryTypeBits = result == VK_SUCCESS;
        return result;
}

PFN_vkVoidFunction vkGetDeviceProcAddr(VkDevice device, const char *name)
{
        if (strcmp(name, "vkGetMemoryHostPointerPropertiesEXT") == 0)
                return (PFN_vkVoidFunction)host_properties;
        return strcmp(name, "vkGetMemoryFdPropertiesKHR") == 0 ? (PFN_vkVoidFunction)fd_properties : NULL;
}

/* From then on the descriptor is the driver's. */
static void import(struct fake_object *memory, const VkMemoryAllocateInfo *info)
{
        const VkImportMemoryFdInfoKHR *dmabuf = info->pNext;
        const VkImportMemoryHostPointerInfoEXT *host = info->pNext;

        if (dmabuf && dmabuf->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR)
                memory->descriptor = dmabuf->fd;
        else if (host && (host->sType != VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT ||
                          (uintptr_t)host->pHostPointer % 4096 || info->allocationSize % 4096))
                fake_misuse("vkAllocateMemory: imports %p, %lu bytes", host->pHostPointer, info->allocationSize);
}

VkResult vkAllocateMemory(VkDevice device, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *allocator,
                          VkDeviceMemory *ret)
{
        struct fake_object *memory;
        VkResult result = made(device, FAULT_vkAllocateMemory, FAKE_MEMORY, ret, &memory);

        if (memory) {
                memory->size = info->allocationSize;
                import(memory, info);
        }
        return result;
}

void vkFreeMemory(VkDevice device, VkDeviceMemory memory, const VkAllocationCallbacks *allocator)
{
        LOCKED(fake_destroy(memory, FAKE_MEMORY, "vkFreeMemory"));
}

VkResult vkBindBufferMemory(VkDevice device, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset)
{
        VkResult result = fault_due(FAULT_vkBindBufferMemory);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *b = fake_get(buffer, FAKE_BUFFER, "vkBindBufferMemory");
        struct fake_object *m = fake_get(memory, FAKE_MEMORY, "vkBindBufferMemory");
        if (b->size + offset > m->size)
                fake_misuse("vkBindBufferMemory: the buffer is larger than the memory");
        if (result == VK_SUCCESS)
                b->parent = m;
        pthread_mutex_unlock(&fake_lock);
        return result;
}

VkResult vkMapMemory(VkDevice device, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize size,
                     VkMemoryMapFlags flags, void **ret)
{
        VkResult result = fault_due(FAULT_vkMapMemory);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *m = fake_get(memory, FAKE_MEMORY, "vkMapMemory");
        if (m->mapped)
                fake_misuse("vkMapMemory: mapped twice");
        m->mapped = result == VK_SUCCESS;
        if (m->mapped && !(m->data = __real_malloc(m->size))) /* only now, because nobody sees the contents earlier */
                abort();
        *ret = m->mapped ? (char *)m->data + offset : (void *)8;
        pthread_mutex_unlock(&fake_lock);
        return result;
}

/* ---- made once, or once for each operator ---- */

#define SIMPLE(create, destroy, kind, handle, create_info)                                                             \
        VkResult create(VkDevice device, const create_info *info, const VkAllocationCallbacks *allocator, handle *ret) \
        {                                                                                                              \
                return made(device, FAULT_##create, kind, ret, NULL);                                                  \
        }                                                                                                              \
        void destroy(VkDevice device, handle object, const VkAllocationCallbacks *allocator)                           \
        {                                                                                                              \
                LOCKED(fake_destroy(object, kind, #destroy));                                                          \
        }

SIMPLE(vkCreateDescriptorSetLayout, vkDestroyDescriptorSetLayout, FAKE_SET_LAYOUT, VkDescriptorSetLayout,
       VkDescriptorSetLayoutCreateInfo)
SIMPLE(vkCreatePipelineLayout, vkDestroyPipelineLayout, FAKE_LAYOUT, VkPipelineLayout, VkPipelineLayoutCreateInfo)
SIMPLE(vkCreateShaderModule, vkDestroyShaderModule, FAKE_MODULE, VkShaderModule, VkShaderModuleCreateInfo)
SIMPLE(vkCreatePipelineCache, vkDestroyPipelineCache, FAKE_CACHE, VkPipelineCache, VkPipelineCacheCreateInfo)
SIMPLE(vkCreateFence, vkDestroyFence, FAKE_FENCE, VkFence, VkFenceCreateInfo)

VkResult vkCreateBufferView(VkDevice device, const VkBufferViewCreateInfo *info, const VkAllocationCallbacks *allocator,
                            VkBufferView *ret)
{
        struct fake_object *view;
        VkResult result = made(device, FAULT_vkCreateBufferView, FAKE_VIEW, ret, &view);

        if (view)
                LOCKED(fake_refer(view, fake_get(info->buffer, FAKE_BUFFER, "vkCreateBufferView")));
        return result;
}

void vkDestroyBufferView(VkDevice device, VkBufferView view, const VkAllocationCallbacks *allocator)
{
        LOCKED(fake_destroy(view, FAKE_VIEW, "vkDestroyBufferView"));
}

VkResult vkCreateComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                  const VkComputePipelineCreateInfo *info, const VkAllocationCallbacks *allocator,
                                  VkPipeline *ret)
{
        VkResult result = fault_due(FAULT_vkCreateComputePipelines);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *parent = fake_get(device, FAKE_DEVICE, "vkCreateComputePipelines");
        fake_get(cache, FAKE_CACHE, "vkCreateComputePipelines");
        fake_get(info->stage.module, FAKE_MODULE, "vkCreateComputePipelines");
        fake_get(info->layout, FAKE_LAYOUT, "vkCreateComputePipelines");
        fake_make(FAKE_PIPELINE, parent, result, ret);
        if (result == VK_ERROR_DEVICE_LOST)
                fake_lose_device(parent);
        pthread_mutex_unlock(&fake_lock);
        if (result < 0)
                *ret = VK_NULL_HANDLE; /* the specification requires this of this call */
        return result;
}

void vkDestroyPipeline(VkDevice device, VkPipeline pipeline, const VkAllocationCallbacks *allocator)
{
        LOCKED(fake_destroy(pipeline, FAKE_PIPELINE, "vkDestroyPipeline"));
}

/* The header that every cache has, and nothing after it. */
VkResult vkGetPipelineCacheData(VkDevice device, VkPipelineCache cache, size_t *size, void *ret)
{
        VkPipelineCacheHeaderVersionOne header = {
                .headerSize = sizeof header,
                .headerVersion = VK_PIPELINE_CACHE_HEADER_VERSION_ONE,
                .vendorID = 0xfa4e,
                .deviceID = 1,
                .pipelineCacheUUID = "fake",
        };
        VkResult result = fault_due(FAULT_vkGetPipelineCacheData);

        if (result < 0)
                return result;
        LOCKED(fake_get(cache, FAKE_CACHE, "vkGetPipelineCacheData"));
        if (ret)
                memcpy(ret, &header, sizeof header);
        *size = sizeof header;
        return VK_SUCCESS;
}
