/* Counts the kernels that the driver compiles, by the linker's --wrap=vkCreateComputePipelines. */
#pragma once

unsigned kernels_compiled(void);         /* by all threads */
unsigned kernels_compiled_by_this(void); /* by the thread that asks */
