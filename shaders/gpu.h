/* The GPU: one Vulkan device, its memory, and programs recorded once and run many times.
 *
 * This header and its neighbours image.h and ops.h are all that the rest of the program sees of Vulkan.  Vulkan 1.1
 * core with 256 invocations, 16 KB of shared memory and 128 MiB storage ranges is enough; anything more is detected.
 *
 * One thread calls in.  Waiting for the device happens on a thread of this room's own, whose only act is to make
 * gpu_fd() readable.  Errors are negative errno: -ENODEV  the device is lost (sticky: destroy everything and open
 * again) -ENOMEM  host or device memory is used up -ENOTSUP this device cannot do it
 *
 * A device that has not answered for a minute (ten, when a program runs for the first time) counts as lost too, so that
 * no call here waits for ever.  What it may still be using cannot be freed: then gpu_buffer_free() and the like only
 * let go of it.  The driver's own exit handlers may wait for it all the same, so that a process which has seen -ENODEV
 * should end by _exit(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpu;
struct gpu_buffer;
struct gpu_program;

enum gpu_kind { GPU_KIND_DISCRETE, GPU_KIND_INTEGRATED, GPU_KIND_VIRTUAL, GPU_KIND_CPU, GPU_KIND_OTHER };

/* How the heavy operators read and multiply; see docs/ARCHITECTURE.md. */
enum gpu_backend {
        GPU_BACKEND_AUTO, /* by what the device reports, then by a short timing of both */
        GPU_BACKEND_LANE, /* texel buffers, one pixel a lane, weights handed round by subgroup shuffles: CPU drivers */
        GPU_BACKEND_TILE, /* storage buffers, tiles in shared memory: GPUs */
};

struct gpu_info {
        unsigned index; /* in the order that the Vulkan loader lists them */
        enum gpu_kind kind;
        char name[256];
        char driver[256]; /* name and version */
        char node[32];    /* DRM render node, "/dev/dri/renderD128", or "" */
        unsigned api_major, api_minor;
        uint64_t memory;    /* bytes of the largest device-local heap */
        char unusable[160]; /* "" or why this program cannot run on it */
};

struct gpu_options {
        const char *device; /* part of a name (any case), an index, or a DRM render node; NULL or "": discrete before
                               integrated before CPU */
        enum gpu_backend backend;
        const char *cache_dir; /* where compiled pipelines are kept between runs; NULL: not kept */
};

const char *gpu_kind_name(enum gpu_kind kind);          /* "discrete" */
const char *gpu_backend_name(enum gpu_backend backend); /* "lane" */

/* *ret is the caller's to free().  Returns the number of devices (0 is none), or an error with `why`. */
int gpu_list(struct gpu_info **ret, char *why, size_t why_size);

/* Opens a device, compiles nothing yet.  `why` gets one line for a person on failure. -ENOENT: no such device; -EPERM:
 * the sandbox of this process forbids what its driver does; -EAGAIN, -EMFILE,
 * -ENFILE: the system has no thread or descriptor to give. */
int gpu_open(const struct gpu_options *options, struct gpu **ret, char *why, size_t why_size);
void gpu_close(struct gpu *gpu); /* NULL is fine; waits for what runs; every buffer and program must be gone */

const struct gpu_info *gpu_info(const struct gpu *gpu);
enum gpu_backend gpu_backend(const struct gpu *gpu);

/* Messages of the validation layers since gpu_open(), when VISAGED_VALIDATE is set in the environment (tests), else 0.
 */
unsigned gpu_validation_messages(const struct gpu *gpu);

/* ---- memory ---- */

enum gpu_memory {
        GPU_MEMORY_DEVICE,   /* the device's own */
        GPU_MEMORY_UPLOAD,   /* mapped, written by the host */
        GPU_MEMORY_READBACK, /* mapped, read by the host (cached where there is such memory) */
};

/* `name` shows in validation messages and debuggers.  Contents are undefined. */
int gpu_buffer_new(struct gpu *gpu, uint64_t size, enum gpu_memory memory, const char *name, struct gpu_buffer **ret);
void gpu_buffer_free(struct gpu_buffer *buffer); /* NULL is fine; no program that uses it may run afterwards */
void *gpu_buffer_map(struct gpu_buffer *buffer); /* coherent, for the life of the buffer; NULL for GPU_MEMORY_DEVICE */
uint64_t gpu_buffer_size(const struct gpu_buffer *buffer);
/* Start-up only: copies through a staging buffer and waits. */
int gpu_buffer_write(struct gpu_buffer *buffer, uint64_t offset, const void *data, uint64_t size);

/* ---- programs ---- */

/* A program is a list of operators (op_* in image.h and ops.h) in order; each sees what the ones before it wrote.
 * Recording errors are kept, and returned by gpu_program_end().  A program is in use from gpu_submit() to its callback.
 */
int gpu_program_new(struct gpu *gpu, const char *name, struct gpu_program **ret);
int gpu_program_end(struct gpu_program *program);   /* after it, the program can be submitted and not added to */
void gpu_program_free(struct gpu_program *program); /* NULL and half-recorded are fine; waits while it runs,
                                                     * calling back */

/* status: 0 or -ENODEV. Called from gpu_dispatch() or gpu_wait(). */
typedef void (*gpu_done)(void *userdata, int status);

/* For a program that runs beside others, as the network does beside the frames that are shown meanwhile: between two of
 * its segments, whatever else waits goes first. */
void gpu_program_set_background(struct gpu_program *program);

/* Queues a program.  Programs run in the order of their submission, but for those in the background.  Each is cut in
 * segments of some milliseconds, long operators included, so that no driver's watchdog sees a long job.  -EBUSY: it is running already. */
int gpu_submit(struct gpu_program *program, gpu_done done, void *userdata);

int gpu_fd(const struct gpu *gpu);        /* readable when gpu_dispatch() has something to do */
int gpu_dispatch(struct gpu *gpu);        /* does not block: submits what is next, calls back what is finished */
int gpu_wait(struct gpu *gpu);            /* until nothing runs, calling back */
int gpu_run(struct gpu_program *program); /* submits it and waits for it */
