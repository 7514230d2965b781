/* Pools, commands, and their execution. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/fake-host.h"
#include "tests/faults/fake-private.h"

/* How long a dispatch takes: long enough that the network is cut into a dozen segments. */
#define DISPATCH_NS UINT64_C(1000000000)

enum { FLIGHTS = 16 };

struct flight {
        struct fake_object *device, *commands, *fence;
};

static struct flight flights[FLIGHTS]; /* oldest first */
static unsigned in_flight;
static struct fake_object *last_device;
static bool held, fast_texels;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;

/* ---- pools ---- */

static VkResult make(VkDevice device, enum fault_point point, enum fake_kind kind, uint64_t size, void *ret)
{
        VkResult result = fault_due(point);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *parent = fake_get(device, FAKE_DEVICE, fault_name(point));
        struct fake_object *object = fake_make(kind, parent, result, ret);
        if (object)
                object->size = size;
        if (result == VK_ERROR_DEVICE_LOST)
                fake_lose_device(parent);
        pthread_mutex_unlock(&fake_lock);
        return result;
}

static void destroy_pool(const void *pool, enum fake_kind kind, const char *by)
{
        pthread_mutex_lock(&fake_lock);
        if (pool)
                fake_destroy_children(fake_get(pool, kind, by), by);
        fake_destroy(pool, kind, by);
        pthread_mutex_unlock(&fake_lock);
}

VkResult vkCreateCommandPool(VkDevice device, const VkCommandPoolCreateInfo *info,
                             const VkAllocationCallbacks *allocator, VkCommandPool *ret)
{
        return make(device, FAULT_vkCreateCommandPool, FAKE_COMMAND_POOL, 0, ret);
}

void vkDestroyCommandPool(VkDevice device, VkCommandPool pool, const VkAllocationCallbacks *allocator)
{
        destroy_pool(pool, FAKE_COMMAND_POOL, "vkDestroyCommandPool");
}

VkResult vkCreateDescriptorPool(VkDevice device, const VkDescriptorPoolCreateInfo *info,
                                const VkAllocationCallbacks *allocator, VkDescriptorPool *ret)
{
        return make(device, FAULT_vkCreateDescriptorPool, FAKE_POOL, info->maxSets, ret);
}

void vkDestroyDescriptorPool(VkDevice device, VkDescriptorPool pool, const VkAllocationCallbacks *allocator)
{
        destroy_pool(pool, FAKE_POOL, "vkDestroyDescriptorPool");
}

VkResult vkAllocateDescriptorSets(VkDevice device, const VkDescriptorSetAllocateInfo *info, VkDescriptorSet *ret)
{
        VkResult result = fault_due(FAULT_vkAllocateDescriptorSets);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *pool = fake_get(info->descriptorPool, FAKE_POOL, "vkAllocateDescriptorSets");
        fake_get(info->pSetLayouts[0], FAKE_SET_LAYOUT, "vkAllocateDescriptorSets");
        if (result == VK_SUCCESS && pool->size-- == 0)
                fake_misuse("vkAllocateDescriptorSets: the pool has none left");
        fake_make(FAKE_SET, pool, result, ret);
        pthread_mutex_unlock(&fake_lock);
        return result;
}

void vkUpdateDescriptorSets(VkDevice device, uint32_t count, const VkWriteDescriptorSet *writes, uint32_t copies,
                            const VkCopyDescriptorSet *copy)
{
        static const char me[] = "vkUpdateDescriptorSets";

        pthread_mutex_lock(&fake_lock);
        for (uint32_t i = 0; i < count; i++) {
                struct fake_object *set = fake_get(writes[i].dstSet, FAKE_SET, me);
                if (writes[i].descriptorType == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER) {
                        fake_refer(set, fake_get(writes[i].pBufferInfo->buffer, FAKE_BUFFER, me));
                } else {
                        struct fake_object *view = fake_get(*writes[i].pTexelBufferView, FAKE_VIEW, me);
                        fake_refer(set, view);
                        fake_refer(set, fake_get(view->refs[0], FAKE_BUFFER, me));
                }
        }
        pthread_mutex_unlock(&fake_lock);
}

/* ---- commands ---- */

VkResult vkAllocateCommandBuffers(VkDevice device, const VkCommandBufferAllocateInfo *info, VkCommandBuffer *ret)
{
        VkResult result = fault_due(FAULT_vkAllocateCommandBuffers);

        pthread_mutex_lock(&fake_lock);
        fake_make(FAKE_COMMANDS, fake_get(info->commandPool, FAKE_COMMAND_POOL, "vkAllocateCommandBuffers"), result,
                  ret);
        pthread_mutex_unlock(&fake_lock);
        return result;
}

void vkFreeCommandBuffers(VkDevice device, VkCommandPool pool, uint32_t count, const VkCommandBuffer *commands)
{
        pthread_mutex_lock(&fake_lock);
        for (uint32_t i = 0; i < count; i++)
                fake_destroy(commands[i], FAKE_COMMANDS, "vkFreeCommandBuffers");
        pthread_mutex_unlock(&fake_lock);
}

VkResult vkBeginCommandBuffer(VkCommandBuffer commands, const VkCommandBufferBeginInfo *info)
{
        VkResult result = fault_due(FAULT_vkBeginCommandBuffer);

        pthread_mutex_lock(&fake_lock);
        fake_get(commands, FAKE_COMMANDS, "vkBeginCommandBuffer")->recording = result == VK_SUCCESS;
        pthread_mutex_unlock(&fake_lock);
        return result;
}

static struct fake_object *recording(VkCommandBuffer handle, const char *by)
{
        struct fake_object *commands = fake_get(handle, FAKE_COMMANDS, by);

        if (!commands->recording)
                fake_misuse("%s: the commands are not being recorded", by);
        return commands;
}

VkResult vkEndCommandBuffer(VkCommandBuffer handle)
{
        VkResult result = fault_due(FAULT_vkEndCommandBuffer);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *commands = recording(handle, "vkEndCommandBuffer");
        commands->recording = false;
        commands->ended = result == VK_SUCCESS;
        pthread_mutex_unlock(&fake_lock);
        return result;
}

static void use(VkCommandBuffer commands, const void *what, enum fake_kind kind, const char *by)
{
        LOCKED(fake_refer(recording(commands, by), fake_get(what, kind, by)));
}

void vkCmdPipelineBarrier(VkCommandBuffer commands, VkPipelineStageFlags from, VkPipelineStageFlags to,
                          VkDependencyFlags flags, uint32_t memories, const VkMemoryBarrier *memory, uint32_t buffers,
                          const VkBufferMemoryBarrier *buffer, uint32_t images, const VkImageMemoryBarrier *image)
{
        LOCKED(recording(commands, "vkCmdPipelineBarrier"));
}

void vkCmdBindPipeline(VkCommandBuffer commands, VkPipelineBindPoint point, VkPipeline pipeline)
{
        use(commands, pipeline, FAKE_PIPELINE, "vkCmdBindPipeline");
}

void vkCmdBindDescriptorSets(VkCommandBuffer commands, VkPipelineBindPoint point, VkPipelineLayout layout,
                             uint32_t first, uint32_t count, const VkDescriptorSet *sets, uint32_t offsets,
                             const uint32_t *offset)
{
        use(commands, sets[0], FAKE_SET, "vkCmdBindDescriptorSets");
}

void vkCmdPushConstants(VkCommandBuffer commands, VkPipelineLayout layout, VkShaderStageFlags stages, uint32_t offset,
                        uint32_t size, const void *values)
{
        pthread_mutex_lock(&fake_lock);
        recording(commands, "vkCmdPushConstants");
        fake_get(layout, FAKE_LAYOUT, "vkCmdPushConstants");
        pthread_mutex_unlock(&fake_lock);
}

void vkCmdDispatchBase(VkCommandBuffer handle, uint32_t first_x, uint32_t first_y, uint32_t first_z, uint32_t x,
                       uint32_t y, uint32_t z)
{
        pthread_mutex_lock(&fake_lock);
        struct fake_object *commands = recording(handle, "vkCmdDispatchBase");
        const struct fake_object *set = commands->refs[commands->ref_count - 1];
        bool texels = set->refs[0]->kind == FAKE_VIEW;
        commands->ns += texels == fast_texels ? DISPATCH_NS / 2 : DISPATCH_NS;
        pthread_mutex_unlock(&fake_lock);
}

void vkCmdCopyBuffer(VkCommandBuffer commands, VkBuffer from, VkBuffer to, uint32_t count, const VkBufferCopy *regions)
{
        use(commands, from, FAKE_BUFFER, "vkCmdCopyBuffer");
        use(commands, to, FAKE_BUFFER, "vkCmdCopyBuffer");
}

/* ---- a clock, which this device does not have ---- */

VkResult vkCreateQueryPool(VkDevice device, const VkQueryPoolCreateInfo *info, const VkAllocationCallbacks *allocator,
                           VkQueryPool *ret)
{
        fake_misuse("vkCreateQueryPool: there is no clock");
}

void vkDestroyQueryPool(VkDevice device, VkQueryPool pool, const VkAllocationCallbacks *allocator)
{
        fake_misuse("vkDestroyQueryPool: there is none");
}

void vkCmdResetQueryPool(VkCommandBuffer commands, VkQueryPool pool, uint32_t first, uint32_t count)
{
        fake_misuse("vkCmdResetQueryPool: there is none");
}

void vkCmdWriteTimestamp(VkCommandBuffer commands, VkPipelineStageFlagBits stage, VkQueryPool pool, uint32_t query)
{
        fake_misuse("vkCmdWriteTimestamp: there is no clock");
}

VkResult vkGetQueryPoolResults(VkDevice device, VkQueryPool pool, uint32_t first, uint32_t count, size_t size,
                               void *ret, VkDeviceSize stride, VkQueryResultFlags flags)
{
        fake_misuse("vkGetQueryPoolResults: there is no clock");
}

/* ---- the device at work ---- */

static bool reaches(const struct fake_object *from, const struct fake_object *object)
{
        if (from == object || from->parent == object)
                return true;
        for (size_t i = 0; i < from->ref_count; i++)
                if (reaches(from->refs[i], object))
                        return true;
        return false;
}

/* A lost device uses nothing. */
bool fake_uses(const struct fake_object *object)
{
        for (unsigned i = 0; i < in_flight; i++)
                if (flights[i].fence == object || flights[i].device == object || reaches(flights[i].commands, object))
                        return true;
        return false;
}

void fake_forget_flights(void)
{
        in_flight = 0;
        last_device = NULL;
        held = false;
}

unsigned fake_in_flight(void)
{
        unsigned ret = 0;

        pthread_mutex_lock(&fake_lock);
        for (unsigned i = 0; i < in_flight; i++)
                ret += flights[i].device == last_device;
        pthread_mutex_unlock(&fake_lock);
        return ret;
}

static void check_alive(const struct fake_object *object)
{
        if (!object->alive)
                fake_misuse("vkQueueSubmit: the commands use a %s that is gone", fake_kind_name(object->kind));
        if (object->parent && !object->parent->alive)
                fake_misuse("vkQueueSubmit: the commands use a %s without its %s", fake_kind_name(object->kind),
                            fake_kind_name(object->parent->kind));
        for (size_t i = 0; i < object->ref_count; i++)
                check_alive(object->refs[i]);
}

static void land(unsigned i)
{
        struct flight flight = flights[i];

        host_pass(flight.commands->ns);
        flight.commands->in_flight = flight.fence->in_flight = false;
        flight.fence->signalled = true;
        for (in_flight--; i < in_flight; i++)
                flights[i] = flights[i + 1];
}

void fake_lose_device(struct fake_object *device)
{
        device->lost = true;
        for (unsigned i = in_flight; i-- > 0;)
                if (flights[i].device == device)
                        land(i);
        pthread_cond_broadcast(&moved);
}

VkResult vkQueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *info, VkFence handle)
{
        VkResult result = fault_due(FAULT_vkQueueSubmit);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *device = last_device = fake_get(queue, FAKE_DEVICE, "vkQueueSubmit");
        struct fake_object *commands = fake_get(info->pCommandBuffers[0], FAKE_COMMANDS, "vkQueueSubmit");
        struct fake_object *fence = fake_get(handle, FAKE_FENCE, "vkQueueSubmit");
        if (!commands->ended || commands->in_flight)
                fake_misuse("vkQueueSubmit: the commands are %s", commands->ended ? "in flight" : "not ended");
        if (fence->signalled || fence->in_flight)
                fake_misuse("vkQueueSubmit: the fence is %s", fence->signalled ? "signalled" : "in flight");
        check_alive(commands);
        if (result == VK_ERROR_DEVICE_LOST)
                fake_lose_device(device);
        if (device->lost)
                result = VK_ERROR_DEVICE_LOST;
        if (result == VK_SUCCESS) {
                if (in_flight == FLIGHTS)
                        fake_misuse("vkQueueSubmit: %d in flight", FLIGHTS);
                flights[in_flight++] = (struct flight){device, commands, fence};
                commands->in_flight = fence->in_flight = true;
        }
        pthread_mutex_unlock(&fake_lock);
        return result;
}

VkResult vkResetFences(VkDevice device, uint32_t count, const VkFence *fences)
{
        VkResult result = fault_due(FAULT_vkResetFences);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *fence = fake_get(fences[0], FAKE_FENCE, "vkResetFences");
        if (fence->in_flight)
                fake_misuse("vkResetFences: the fence is in flight");
        if (result == VK_SUCCESS)
                fence->signalled = false;
        pthread_mutex_unlock(&fake_lock);
        return result;
}

/* When somebody waits for a fence, the device finishes everything up to it, unless it is held. */
static void advance(const struct fake_object *device, const struct fake_object *fence)
{
        for (unsigned i = 0; fence->in_flight && !held;)
                if (flights[i].device == device)
                        land(i);
                else
                        i++;
}

static VkResult wait_until(const struct fake_object *device, const struct fake_object *fence, uint64_t timeout)
{
        struct timespec end;

        host_real_time(&end);
        timeout = timeout > UINT64_C(3600000000000) ? UINT64_C(3600000000000) : timeout;
        end.tv_sec += (end.tv_nsec + timeout) / 1000000000;
        end.tv_nsec = (end.tv_nsec + timeout) % 1000000000;
        for (;;) {
                if (device->lost)
                        return VK_ERROR_DEVICE_LOST;
                advance(device, fence);
                if (fence->signalled)
                        return VK_SUCCESS;
                if (!fence->in_flight)
                        fake_misuse("vkWaitForFences: nothing will signal this fence");
                if (pthread_cond_timedwait(&moved, &fake_lock, &end) == ETIMEDOUT)
                        return VK_TIMEOUT;
        }
}

VkResult vkWaitForFences(VkDevice handle, uint32_t count, const VkFence *fences, VkBool32 all, uint64_t timeout)
{
        VkResult result = fault_due(FAULT_vkWaitForFences);

        while (result == FAKE_HANGS)
                pause();
        pthread_mutex_lock(&fake_lock);
        struct fake_object *device = fake_get(handle, FAKE_DEVICE, "vkWaitForFences");
        const struct fake_object *fence = fake_get(fences[0], FAKE_FENCE, "vkWaitForFences");
        if (result == VK_ERROR_DEVICE_LOST)
                fake_lose_device(device);
        if (result == VK_SUCCESS)
                result = wait_until(device, fence, timeout);
        pthread_mutex_unlock(&fake_lock);
        return result;
}

VkResult vkGetFenceStatus(VkDevice handle, VkFence fence)
{
        VkResult result = fault_due(FAULT_vkGetFenceStatus);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *device = fake_get(handle, FAKE_DEVICE, "vkGetFenceStatus");
        if (result == VK_ERROR_DEVICE_LOST)
                fake_lose_device(device);
        if (device->lost)
                result = VK_ERROR_DEVICE_LOST;
        if (result == VK_SUCCESS && !fake_get(fence, FAKE_FENCE, "vkGetFenceStatus")->signalled)
                result = VK_NOT_READY;
        pthread_mutex_unlock(&fake_lock);
        return result;
}

VkResult vkDeviceWaitIdle(VkDevice handle)
{
        VkResult result = fault_due(FAULT_vkDeviceWaitIdle);

        pthread_mutex_lock(&fake_lock);
        struct fake_object *device = fake_get(handle, FAKE_DEVICE, "vkDeviceWaitIdle");
        if (result == VK_ERROR_DEVICE_LOST)
                fake_lose_device(device);
        if (device->lost)
                result = VK_ERROR_DEVICE_LOST;
        for (unsigned i = in_flight; result == VK_SUCCESS && i-- > 0;)
                if (flights[i].device == device)
                        land(i);
        pthread_mutex_unlock(&fake_lock);
        return result;
}

void fake_prefer_texels(bool prefer)
{
        fast_texels = prefer;
}

void fake_hold(bool hold)
{
        pthread_mutex_lock(&fake_lock);
        held = hold;
        pthread_cond_broadcast(&moved);
        pthread_mutex_unlock(&fake_lock);
}

void fake_lose(void)
{
        pthread_mutex_lock(&fake_lock);
        if (last_device)
                fake_lose_device(last_device);
        pthread_mutex_unlock(&fake_lock);
}
