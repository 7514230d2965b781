/* Private to shaders/: the part of Vulkan that operators share.  Nothing here knows what an operator computes. */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <vulkan/vulkan.h>

#include "shaders/glsl/params.h"
#include "shaders/gpu.h"
#include "shaders/vk/caps.h"

/* Workgroups of a dispatch in each dimension; every device supports this many. */
#define GROUPS_MOST 65535
enum { SEGMENTS_IN_FLIGHT = 2 }; /* one runs while the next one waits, so that the device is never idle */

/* How a kernel reads its inputs: glsl/operand.glsl.  Outputs are always storage buffers. */
enum reading { READ_BUFFERS, READ_TEXELS, READINGS };

/* A kernel as it was compiled at build time: glsl/meson.build makes a NAME.kernel.h of each, which the operator that
 * runs it includes. */
struct kernel {
        const char *name;
        struct {
                const uint32_t *words; /* NULL: it cannot read this way */
                size_t size;
        } code[READINGS];
};

/* A kernel as the driver compiled it. */
struct compiled_kernel {
        const struct kernel *kernel;
        enum reading reading;
        uint8_t formats[OPERANDS];
        int32_t constants[CONSTANTS];
        uint32_t subgroup; /* that it asks for, or 0 */
        VkPipeline handle;
};

struct compiled_kernels {
        struct {
                VkDescriptorSetLayout set;
                VkPipelineLayout pipeline;
        } layouts[READINGS];
        struct compiled_kernel *list;
        size_t count;
        pthread_mutex_t lock; /* of the list */
};

/* One submission's worth of a program. */
struct segment {
        VkCommandBuffer commands;
};

/* A range of a buffer that some operator has used since the last barrier. */
struct touched {
        struct gpu_buffer *buffer;
        uint64_t from, to;
        bool written;
};

static inline uint64_t align_up(uint64_t a, uint64_t to)
{
        return (a + to - 1) / to * to;
}

/* How memory of others is used. */
#define IMPORT_USAGE                                                                                                   \
        (VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |                               \
         VK_BUFFER_USAGE_TRANSFER_SRC_BIT)

struct gpu_program {
        struct gpu *gpu;
        char name[32];
        int error; /* the first one while it was recorded */
        bool ended, running, background;
        bool has_run; /* to its end */
        bool only_compiles;
        size_t *first_runs; /* indices in the device's `runs` of pipelines that had not run when this was recorded */
        size_t first_run_count;

        struct segment *segments;
        size_t segment_count, next; /* next: to be submitted */
        unsigned in_flight;         /* submitted and not yet landed */
        int status;
        double cost; /* of the segment being recorded, in multiply-adds */

        VkDescriptorPool *pools;
        size_t pool_count;
        unsigned pool_left; /* sets left in the last one */
        VkBufferView *views;
        size_t view_count;

        VkQueryPool stamps; /* timestamps; VK_NULL_HANDLE: its parts are not measured */
        unsigned stamp_count, stamp_room;

        struct touched touched[64];
        unsigned touched_count;

        struct gpu_buffer **dmabufs; /* that it reads */
        size_t dmabuf_count;

        gpu_done done;
        void *userdata;
        struct gpu_program *after; /* in the queue */
};

struct flight {
        struct gpu_program *program;
        VkFence fence;
};

/* A flight as the waiter sees it. */
struct waiting {
        VkFence fence;
        unsigned slices; /* of time: how long to wait */
};

struct gpu {
        struct gpu_info info;
        struct gpu_caps caps;
        enum gpu_backend backend;
        enum reading reading; /* of kernels that can do both */
        uint64_t allocated;   /* bytes of buffers */
        _Atomic bool lost;
        bool stuck;     /* lost, and submitted work may still run: nothing that it uses can be freed any more */
        bool abandoned; /* stuck, and so is the waiter */
        double rate;    /* multiply-adds per second, measured when it was opened */

        VkInstance instance;
        VkPhysicalDevice physical;
        VkDevice device;
        VkQueue queue;
        uint32_t family;
        VkPhysicalDeviceProperties properties;
        VkPhysicalDeviceMemoryProperties memory;
        VkDebugUtilsMessengerEXT messenger;
        PFN_vkSetDebugUtilsObjectNameEXT set_name;
        PFN_vkGetMemoryHostPointerPropertiesEXT host_properties; /* NULL: as without the extension */
        PFN_vkGetMemoryFdPropertiesKHR fd_properties;            /* the same */
        unsigned validation_messages;

        VkPipelineCache cache;
        char *cache_path;
        char *choices, *choices_path; /* choices.c */
        struct compiled_kernels pipelines;
        VkCommandPool commands;

        struct first_run {
                VkPipeline pipeline;
                bool done; /* it has run, so the driver has nothing left to compile */
        } * runs;
        size_t run_count;

        /* Programs waiting or running, oldest first. */
        struct gpu_program *queue_head;
        struct flight flights[SEGMENTS_IN_FLIGHT];
        unsigned in_flight;

        /* The waiter waits for fences in order, counts them in `landed` and signals `event`.  `waited` is the result.
         */
        pthread_t waiter;
        bool waiter_runs;
        pthread_mutex_t lock;
        pthread_cond_t more;
        struct waiting waiting[SEGMENTS_IN_FLIGHT];
        unsigned waiting_count, landed;
        VkResult waited;
        bool stop;
        int event;
};

struct gpu_buffer {
        struct gpu *gpu;
        VkBuffer handle;
        VkDeviceMemory memory;
        uint64_t size;
        void *map;
        bool imported; /* somebody else's memory, which programs only read */
        bool dmabuf;   /* other devices write it */
        int sync;      /* its descriptor if the CPU reads it for this device; otherwise -1 */
};

/* What an operator binds: a range of a buffer, as an array of vec4 in a format.  A NULL buffer: not used by the
 * kernel. */
struct operand {
        struct gpu_buffer *buffer;
        uint64_t offset, size;
        int format; /* FORMAT_F32... */
};

/* One dispatch of a kernel. */
struct dispatch {
        const struct kernel *kernel;
        int32_t constants[CONSTANTS];
        struct operand operands[OPERANDS];
        const void *push;
        uint32_t push_size;
        uint32_t groups[3];
        double cost;       /* multiply-adds, or an equivalent */
        uint32_t subgroup; /* invocations that a subgroup must have; 0: any number */
        bool whole;        /* never cut, however long: between two pieces another program might touch the operands */
};

/* error.c: the negative errno of a result, 0 for success; remembers the loss of the device. */
int vk_error(struct gpu *gpu, VkResult result);

/* The same for a call that creates `handle`: a failed one may leave anything there. */
#define vk_made(gpu, handle, result)                                                                                   \
        ({                                                                                                             \
                int made_ = vk_error(gpu, result);                                                                     \
                if (made_ < 0)                                                                                         \
                        *(handle) = VK_NULL_HANDLE;                                                                    \
                made_;                                                                                                 \
        })

/* Sets the object's debug name if VISAGED_VALIDATE is set. */
void vk_name(struct gpu *gpu, VkObjectType type, uint64_t handle, const char *name);

/* open.c: a device with its queue and its cache.  The caller sets what can only be measured: backend, reading, rate. */
int vk_open(const struct gpu_options *options, struct gpu **ret, char *why, size_t why_size);

/* buffer.c: a buffer without memory, which the caller frees; the type of memory that suits a use, -ENOTSUP: none.
 * `handles`: the kind of memory that it will be made of; 0: the device's. */
int buffer_create(struct gpu *gpu, uint64_t size, VkBufferUsageFlags usage, VkExternalMemoryHandleTypeFlags handles,
                  struct gpu_buffer **ret);
int buffer_memory_type(const struct gpu *gpu, uint32_t allowed, enum gpu_memory use);

/* foreign.c */
void foreign_init(struct gpu *gpu);
/* Notes that the program uses the buffer; before its first use of a dma-buf, takes that over from other devices. */
int foreign_use(struct gpu_program *program, VkCommandBuffer commands, struct gpu_buffer *buffer);
void foreign_hand_back(const struct gpu_program *program, VkCommandBuffer commands); /* after its last use */
/* Around a run of the program: the CPU begins or ends reading for the device. */
void foreign_sync(const struct gpu_program *program, bool begin);

/* pipeline.c */
int pipelines_init(struct gpu *gpu);
void pipelines_finish(struct gpu *gpu);
/* Finds the compiled kernel, or compiles it.  *ret is a copy. */
int pipelines_get(struct gpu *gpu, const struct dispatch *dispatch, struct compiled_kernel *ret);
VkDescriptorType pipeline_descriptor(enum reading reading, int operand);

/* first-run.c: notes that `program` will run `pipeline`; tells whether any pipeline in it has not run yet; marks all of
 * them as run. */
int first_run_note(struct gpu_program *program, VkPipeline pipeline);
bool first_run_due(const struct gpu_program *program);
void first_run_done(struct gpu_program *program);

/* file.c: a file's name, which the caller must free(); NULL: out of memory. */
char *file_name(const struct gpu *gpu, const char *dir, const char *kind);
/* The file's data, which the caller must free(); NULL: there is no usable file. */
void *file_read(const char *path, size_t *ret_size);
/* Writes to a temporary name first, because two processes may write at the same time. */
int file_write(const char *path, const void *data, size_t size);

/* choices.c: what was chosen for this device by measuring, in this run or an earlier one: a word for each key.  Keys
 * and words have no spaces.  Without a directory, or a usable file in it, the table is empty at first. */
int choices_open(struct gpu *gpu, const char *dir);
void choices_close(struct gpu *gpu);
/* The word, `*ret_size` characters long, valid until the next one is added; NULL: there is none. */
const char *choices_find(const struct gpu *gpu, const char *key, size_t *ret_size);
int choices_add(struct gpu *gpu, const char *key, const char *word); /* the key must not have a word yet */
int choices_save(const struct gpu *gpu);                             /* -ENOENT: there is no directory */

/* cache.c: the pipeline cache file */
int cache_open(struct gpu *gpu, const char *dir);
void cache_close(struct gpu *gpu);

/* program.c */
int program_dispatch(struct gpu_program *program, const struct dispatch *dispatch);
int program_copy(struct gpu_program *program, struct gpu_buffer *from, uint64_t from_offset, struct gpu_buffer *to,
                 uint64_t to_offset, uint64_t size);
/* Keeps the first error of a recording; returns it. */
int program_fail(struct gpu_program *program, int error);

/* clock.c: records the program's next timestamp, for which there must be room; destroys its query pool. */
void clock_stamp(struct gpu_program *program, VkCommandBuffer commands);
void clock_free(struct gpu_program *program);

/* queue.c */
int queue_init(struct gpu *gpu);
void queue_finish(struct gpu *gpu);
void program_wait(struct gpu_program *program); /* until it has ended; others may run and call back meanwhile */
