/* The GPU: one Vulkan device, its memory, and programs that are recorded once and run many times.
 *
 * The rest of the program sees nothing of Vulkan but this header and its neighbours image.h and ops.h.  Vulkan 1.1 core
 * is enough, with work groups of 64 invocations, 8 KB of shared memory, storage ranges of 128 MiB and 128 bytes of push
 * constants.  Anything beyond that is detected and optional.
 *
 * All calls for a device come from one thread at a time; the exception is gpu_program_only_compile().  The library has
 * a thread of its own that waits for the device; it only makes gpu_fd() readable.
 *
 * Errors are negative errno:
 *   -ENODEV   the device is lost, for good: destroy everything and open it again
 *   -ENOMEM   host or device memory is exhausted
 *   -ENOTSUP  this device cannot do it
 *
 * A device that has not responded for a minute (ten minutes when a program runs for the first time) also counts as
 * lost, so that no call here waits forever.  Memory that it may still be using cannot be freed; gpu_buffer_free() and
 * its siblings then only drop it.  The driver's own exit handlers may still wait for the device, so a process that has
 * seen -ENODEV should end with _exit(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpu;
struct gpu_buffer;
struct gpu_program;

enum gpu_kind { GPU_KIND_DISCRETE, GPU_KIND_INTEGRATED, GPU_KIND_VIRTUAL, GPU_KIND_CPU, GPU_KIND_OTHER };

/* The preferred way in which the heavy operators read and multiply; see docs/ARCHITECTURE.md. */
enum gpu_backend {
        GPU_BACKEND_AUTO,     /* chosen by the device's features, then by a short timing of both */
        GPU_BACKEND_SUBGROUP, /* texel buffers; weights reach the invocations by subgroup shuffles: CPU drivers */
        GPU_BACKEND_TILED,    /* storage buffers, tiles in shared memory: GPUs */
};

struct gpu_info {
        unsigned index; /* in the order that the Vulkan loader lists them */
        enum gpu_kind kind;
        char name[256];
        char driver[256]; /* name and version */
        char node[32];    /* DRM render node, "/dev/dri/renderD128", or "" */
        unsigned api_major, api_minor;
        uint64_t memory;    /* bytes of the largest device-local heap */
        char unusable[160]; /* "", or why this program cannot run on it */
};

struct gpu_options {
        const char *device; /* part of a name (any case), an index, or a DRM render node; NULL or "": prefers discrete
                               to integrated GPUs, and both to the CPU */
        enum gpu_backend backend;
        const char *cache_dir; /* where compiled pipelines are kept between runs; NULL: they are not */
};

const char *gpu_kind_name(enum gpu_kind kind);          /* "discrete" */
const char *gpu_backend_name(enum gpu_backend backend); /* "subgroup" */

/* The caller must free() *ret.  Returns the number of devices, which may be 0, or an error with `why`. */
int gpu_list(struct gpu_info **ret, char *why, size_t why_size);

/* Opens a device, and times one convolution with each back-end to find the faster one.  On failure `why` gets one line
 * for the user. -ENOENT                    no such device -EPERM                     the sandbox of this process
 * forbids something that the driver does -EAGAIN, -EMFILE, -ENFILE  the system is out of threads or descriptors */
int gpu_open(const struct gpu_options *options, struct gpu **ret, char *why, size_t why_size);
void gpu_close(struct gpu *gpu); /* NULL is fine; waits for running programs; all buffers and programs must be freed */

const struct gpu_info *gpu_info(const struct gpu *gpu);
enum gpu_backend gpu_backend(const struct gpu *gpu);

/* The number of messages from the validation layers since gpu_open() if VISAGED_VALIDATE is set in the environment (for
 * tests); otherwise 0. */
unsigned gpu_validation_messages(const struct gpu *gpu);

/* ---- memory ---- */

enum gpu_memory {
        GPU_MEMORY_DEVICE,   /* the device's own */
        GPU_MEMORY_UPLOAD,   /* mapped, written by the host */
        GPU_MEMORY_READBACK, /* mapped, read by the host (cached if there is such memory) */
};

/* `name` appears in validation messages and debuggers.  The contents are undefined. */
int gpu_buffer_new(struct gpu *gpu, uint64_t size, enum gpu_memory memory, const char *name, struct gpu_buffer **ret);
void gpu_buffer_free(struct gpu_buffer *buffer); /* NULL is fine; no program that uses it may run afterwards */
void *gpu_buffer_map(struct gpu_buffer *buffer); /* coherent, valid as long as the buffer; NULL for GPU_MEMORY_DEVICE */
uint64_t gpu_buffer_size(const struct gpu_buffer *buffer);
uint64_t gpu_allocated(const struct gpu *gpu); /* bytes of all existing buffers */
/* For start-up only: copies through a staging buffer and waits. */
int gpu_buffer_write(struct gpu_buffer *buffer, uint64_t offset, const void *data, uint64_t size);

/* ---- memory of others ---- */

/* Memory that belongs to somebody else, such as a camera's driver, and that programs can read where it is.  A buffer is
 * only bytes: it has neither a DRM format nor a modifier. */
struct gpu_foreign {
        int dmabuf; /* a descriptor of it, which stays the caller's; -1: there is none */
        void *data; /* where it is mapped; NULL: nowhere.  The mapping has whole pages */
        uint64_t size;
};

enum gpu_import {
        GPU_IMPORT_DMABUF, /* for any device; what is read is what was written before the program was submitted */
        GPU_IMPORT_HOST,   /* the pages of this process */
        GPU_IMPORTS,
};

/* Makes a buffer of such memory, without copying it.  It is not mapped, and a program that would write it cannot be
 * recorded (-EINVAL).  The memory must not go before gpu_buffer_free() has returned, or ever if gpu_is_stuck() then.
 * Nobody should write while a program that reads it is in use.
 *   -ENOTSUP  the device or its driver does not import this memory in this way: copy it, or try another way
 *   -ENOMEM   also if the driver cannot keep so much memory in its place */
int gpu_buffer_import(struct gpu *gpu, enum gpu_import how, const struct gpu_foreign *foreign, const char *name,
                      struct gpu_buffer **ret);

/* Whether the device may be reading its memory for ever: it is lost, and has not responded. */
bool gpu_is_stuck(const struct gpu *gpu);

/* ---- programs ---- */

/* A program is an ordered list of operators (op_* in image.h and ops.h); each sees what the previous ones wrote.
 * Recording errors are stored and returned by gpu_program_end().  A program is in use from gpu_submit() until its
 * callback. */
int gpu_program_new(struct gpu *gpu, const char *name, struct gpu_program **ret);
int gpu_program_end(struct gpu_program *program);   /* from then on it can be submitted but not extended */
void gpu_program_free(struct gpu_program *program); /* NULL and half-recorded are fine; waits while it runs,
                                                     * and calls back */

/* Before anything is appended: operators are not recorded, only their kernels are compiled, which is what takes time.
 * Then the program is to be freed.  All of this may happen on another thread while the device is in use. */
void gpu_program_only_compile(struct gpu_program *program);

/* status: 0 or -ENODEV. Called from gpu_dispatch() or gpu_wait(). */
typedef void (*gpu_done)(void *userdata, int status);

/* For a program that runs alongside others, as the network does while frames are shown: between two of its segments,
 * all other waiting programs go first. */
void gpu_program_set_background(struct gpu_program *program);

/* Queues a program.  Programs run in the order of submission, except for those in the background.  Each is cut into
 * segments of about 2.5 ms, also within an operator that would take more than four of them, so that no driver's
 * watchdog sees a long job. -EBUSY: it is already running. */
int gpu_submit(struct gpu_program *program, gpu_done done, void *userdata);

int gpu_fd(const struct gpu *gpu); /* readable when gpu_dispatch() has something to do */
int gpu_dispatch(struct gpu *gpu); /* does not block: submits what is next, and calls back for what has finished */
int gpu_wait(struct gpu *gpu);     /* until nothing runs; calls back */
int gpu_run(struct gpu_program *program); /* submits it and waits for it */

/* ---- measuring, for tools ---- */

/* Whether the device has a clock that can measure the parts of a program. */
bool gpu_has_clock(const struct gpu *gpu);

/* Before anything is appended: the device will measure the times of the program's parts, of which there are at most
 * `parts`.  -ENOTSUP: it has no clock. */
int gpu_program_measure(struct gpu_program *program, unsigned parts);
/* What is appended from now on is the next part.  It begins when the one before it has ended.  -E2BIG: there are more
 * than were announced. */
int gpu_program_part(struct gpu_program *program);
/* How long each part took in the last run, in seconds; `ret` has room for all parts.  -EAGAIN: it has not run. */
int gpu_program_times(const struct gpu_program *program, double *ret);
