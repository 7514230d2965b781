/* Measures the parts of a program with the device's own clock. */
#include <stdlib.h>

#include "shaders/vk/vk.h"

/* How many bits of a timestamp are valid; 0: there is no clock. */
static uint32_t stamp_bits(const struct gpu *gpu)
{
        VkQueueFamilyProperties *families;
        uint32_t count = 0, bits = 0;

        vkGetPhysicalDeviceQueueFamilyProperties(gpu->physical, &count, NULL);
        families = calloc(count, sizeof *families);
        if (!families)
                return 0;
        vkGetPhysicalDeviceQueueFamilyProperties(gpu->physical, &count, families);
        if (gpu->family < count)
                bits = families[gpu->family].timestampValidBits;
        free(families);
        return bits;
}

bool gpu_has_clock(const struct gpu *gpu)
{
        return gpu->properties.limits.timestampPeriod > 0 && stamp_bits(gpu) > 0;
}

int gpu_program_measure(struct gpu_program *program, unsigned parts)
{
        struct gpu *gpu = program->gpu;
        VkQueryPoolCreateInfo info = {
                .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                .queryType = VK_QUERY_TYPE_TIMESTAMP,
                .queryCount = parts + 1,
        };

        if (!gpu_has_clock(gpu))
                return -ENOTSUP;
        program->stamp_room = parts + 1;
        return vk_made(gpu, &program->stamps, vkCreateQueryPool(gpu->device, &info, NULL, &program->stamps));
}

void clock_stamp(struct gpu_program *program, VkCommandBuffer commands)
{
        vkCmdResetQueryPool(commands, program->stamps, program->stamp_count, 1);
        vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, program->stamps, program->stamp_count);
        program->stamp_count++;
}

int gpu_program_times(const struct gpu_program *program, double *ret)
{
        struct gpu *gpu = program->gpu;
        const uint32_t bits = stamp_bits(gpu);
        const uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;

        if (!program->has_run) /* queries that were never reset must not be read */
                return -EAGAIN;
        uint64_t *ticks = calloc(program->stamp_count, sizeof *ticks);

        if (!ticks)
                return -ENOMEM;
        VkResult result = vkGetQueryPoolResults(gpu->device, program->stamps, 0, program->stamp_count,
                                                program->stamp_count * sizeof *ticks, ticks, sizeof *ticks,
                                                VK_QUERY_RESULT_64_BIT);
        int r = result == VK_NOT_READY ? -EAGAIN : vk_error(gpu, result);
        for (unsigned i = 0; r == 0 && i + 1 < program->stamp_count; i++)
                ret[i] = ((ticks[i + 1] - ticks[i]) & mask) * 1e-9 * gpu->properties.limits.timestampPeriod;
        free(ticks);
        return r;
}

void clock_free(struct gpu_program *program)
{
        if (program->stamps)
                vkDestroyQueryPool(program->gpu->device, program->stamps, NULL);
}
