/* Private to shaders/: what a device can do.  It is read from the driver once, when the device is opened.  Operators
 * base their choices on it and never ask the driver themselves. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* By which extension subgroups multiply whole matrices of halves ("cooperative matrices"). */
enum gpu_matrices { GPU_MATRICES_NONE, GPU_MATRICES_KHR, GPU_MATRICES_NV };

struct gpu_caps {
        uint32_t subgroup; /* invocations that a subgroup has */
        /* Kernels can ask for a power of two between these instead (VK_EXT_subgroup_size_control); 0: they cannot. */
        uint32_t subgroup_least, subgroup_most;
        bool shuffle; /* within a subgroup, in compute shaders */

        uint32_t invocations;   /* of a workgroup */
        uint32_t groups[3];     /* workgroups of a dispatch */
        uint32_t shared_memory; /* bytes of a workgroup */

        uint64_t texel_elements; /* of one texel buffer */
        uint64_t storage_range;  /* bytes of one storage buffer that a kernel reaches */

        bool int64, float16; /* arithmetic */

        /* Of halves, with results of 32 bits.  M and N are 8 or 16, K is 8, 16 or 32: the result has M rows and N
         * columns, each the sum of K products.  Kernels ask for subgroups of that size. */
        enum gpu_matrices matrices;
        uint32_t matrix_m, matrix_n, matrix_k, matrix_subgroup;

        uint64_t host_alignment; /* of memory of this process that can become a buffer
                                  * (VK_EXT_external_memory_host); 0: none can */
        bool dmabuf;             /* dma-bufs can (VK_EXT_external_memory_dma_buf) */
        bool foreign_family;     /* has a name for other devices' use of them (VK_EXT_queue_family_foreign) */
};

static inline bool caps_can_ask_for(const struct gpu_caps *caps, uint32_t subgroup)
{
        return subgroup >= caps->subgroup_least && subgroup <= caps->subgroup_most;
}
