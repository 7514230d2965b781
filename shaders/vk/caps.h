/* Private to shaders/: what a device can do.  It is read from the driver once, when the device is opened.  Operators
 * base their choices on it and never ask the driver themselves. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gpu_caps {
        uint32_t subgroup;    /* invocations that a subgroup has */
        bool subgroup_choice; /* kernels can ask for SUBGROUP instead (VK_EXT_subgroup_size_control) */
        bool shuffle;         /* within a subgroup, in compute shaders */

        uint32_t invocations; /* of a workgroup */
        uint32_t groups[3];   /* workgroups of a dispatch */

        uint64_t texel_elements; /* of one texel buffer */
        uint64_t storage_range;  /* bytes of one storage buffer that a kernel reaches */

        bool int64; /* arithmetic */
};
