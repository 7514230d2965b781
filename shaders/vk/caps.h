/* Private to shaders/: what a device can do.  Read from the driver once, when the device is opened; operators choose by
 * it, and never ask the driver themselves. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shaders/gpu.h"

struct gpu_caps {
        enum gpu_kind kind;
        uint32_t vendor; /* PCI's number, or Khronos's */

        uint32_t subgroup;                   /* invocations that a subgroup has */
        uint32_t subgroup_min, subgroup_max; /* with `subgroup_control`: what a kernel can ask for; else `subgroup` */
        bool subgroup_control;
        bool shuffle; /* within a subgroup, in compute shaders */

        uint32_t invocations, shared_memory; /* of a workgroup; bytes */
        uint32_t groups[3];                  /* workgroups of a dispatch */

        uint64_t texel_elements; /* of one texel buffer */
        uint64_t storage_range;  /* bytes of one storage buffer that a kernel reaches */

        bool int64;      /* arithmetic */
        bool fp16, int8; /* arithmetic; the device is opened without them */
};
