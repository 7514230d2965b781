#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shaders/vk/vk.h"

/* How long to wait for a segment.  It takes milliseconds, and a driver's own watchdog acts after seconds, so a device
 * that has not responded after a minute never will.  But software drivers compile when a program first runs, which was
 * seen to take more than a minute on a busy CPU.  The wait is divided into slices, so that any time in which the
 * whole process was stopped counts as one slice only. */
#define SLICE_NS UINT64_C(100000000)
enum { SLICES = 600, FIRST_SLICES = 6000 };

/* How much longer a caller waits for the waiter, whose driver may not return from its wait either. */
#define GRACE_SLICES 100

/* Returns VK_SUCCESS, VK_ERROR_DEVICE_LOST, or VK_TIMEOUT if the device does not respond. */
static VkResult await(struct gpu *gpu, const struct waiting *waiting)
{
        for (unsigned i = 0; i < waiting->slices; i++) {
                VkResult result = vkWaitForFences(gpu->device, 1, &waiting->fence, VK_TRUE, SLICE_NS);
                if (result == VK_SUCCESS || result == VK_ERROR_DEVICE_LOST)
                        return result;
                if (result < 0) /* out of memory for waiting, which says nothing about the fence */
                        usleep(SLICE_NS / 1000);
        }
        return VK_TIMEOUT;
}

/* Waits for fences in the order in which they were handed over, and signals the event for each.  Uses fences instead of
 * exported sync files because every driver has them.  After a failed wait, the others land without one. */
static void *waiter(void *userdata)
{
        struct gpu *gpu = userdata;

        pthread_mutex_lock(&gpu->lock);
        for (;;) {
                while (!gpu->waiting_count && !gpu->stop)
                        pthread_cond_wait(&gpu->more, &gpu->lock);
                if (!gpu->waiting_count)
                        break;
                struct waiting first = gpu->waiting[0];
                if (gpu->waited == VK_SUCCESS) {
                        pthread_mutex_unlock(&gpu->lock);
                        VkResult waited = await(gpu, &first);
                        pthread_mutex_lock(&gpu->lock);
                        gpu->waited = waited;
                }
                for (unsigned i = 1; i < gpu->waiting_count; i++)
                        gpu->waiting[i - 1] = gpu->waiting[i];
                gpu->waiting_count--;
                gpu->landed++;
                eventfd_write(gpu->event, 1);
        }
        pthread_mutex_unlock(&gpu->lock);
        return NULL;
}

int queue_init(struct gpu *gpu)
{
        VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};

        gpu->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (gpu->event < 0)
                return -errno;
        for (int i = 0; i < SEGMENTS_IN_FLIGHT; i++) {
                VkFence *fence = &gpu->flights[i].fence;
                int r = vk_made(gpu, fence, vkCreateFence(gpu->device, &info, NULL, fence));
                if (r < 0)
                        return r;
        }
        pthread_mutex_init(&gpu->lock, NULL);
        pthread_cond_init(&gpu->more, NULL);
        int r = pthread_create(&gpu->waiter, NULL, waiter, gpu);
        if (r > 0) {
                pthread_cond_destroy(&gpu->more);
                pthread_mutex_destroy(&gpu->lock);
                return -r;
        }
        gpu->waiter_runs = true;
        return 0;
}

void queue_finish(struct gpu *gpu)
{
        if (gpu->waiter_runs) {
                gpu_wait(gpu);
                pthread_mutex_lock(&gpu->lock);
                gpu->stop = true;
                pthread_cond_signal(&gpu->more);
                pthread_mutex_unlock(&gpu->lock);
                if (gpu->abandoned) { /* the rest is the waiter's for as long as it hangs */
                        pthread_detach(gpu->waiter);
                        return;
                }
                pthread_join(gpu->waiter, NULL);
                pthread_cond_destroy(&gpu->more);
                pthread_mutex_destroy(&gpu->lock);
        }
        for (int i = 0; i < SEGMENTS_IN_FLIGHT && !gpu->stuck; i++)
                vkDestroyFence(gpu->device, gpu->flights[i].fence, NULL);
        if (gpu->event >= 0)
                close(gpu->event);
}

static unsigned patience(const struct flight *flight)
{
        return first_run_due(flight->program) ? FIRST_SLICES : SLICES;
}

static void hand_to_waiter(struct gpu *gpu, const struct flight *flight)
{
        pthread_mutex_lock(&gpu->lock);
        gpu->waiting[gpu->waiting_count++] = (struct waiting){flight->fence, patience(flight)};
        pthread_cond_signal(&gpu->more);
        pthread_mutex_unlock(&gpu->lock);
}

/* The program whose segment is next: the oldest, and one in the background only if no other is waiting. */
static struct gpu_program *choose(const struct gpu *gpu)
{
        struct gpu_program *background = NULL;

        for (struct gpu_program *p = gpu->queue_head; p; p = p->after) {
                if (p->next == p->segment_count)
                        continue;
                if (!p->background)
                        return p;
                if (!background)
                        background = p;
        }
        return background;
}

static int submit_segment(struct gpu *gpu, struct gpu_program *program)
{
        struct flight *flight = &gpu->flights[gpu->in_flight];
        VkSubmitInfo info = {
                .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                .commandBufferCount = 1,
                .pCommandBuffers = &program->segments[program->next].commands,
        };

        int r = vk_error(gpu, vkResetFences(gpu->device, 1, &flight->fence));
        if (r == 0)
                r = vk_error(gpu, vkQueueSubmit(gpu->queue, 1, &info, flight->fence));
        if (r < 0)
                return r;
        flight->program = program;
        program->next++;
        program->in_flight++;
        gpu->in_flight++;
        hand_to_waiter(gpu, flight);
        return 0;
}

/* Keeps the device busy.  A program that cannot be submitted ends once its submitted segments have landed. */
static void pump(struct gpu *gpu)
{
        struct gpu_program *program;

        while (gpu->in_flight < SEGMENTS_IN_FLIGHT && !gpu->lost && (program = choose(gpu))) {
                int r = submit_segment(gpu, program);
                if (r < 0) {
                        program->status = r;
                        program->next = program->segment_count;
                        eventfd_write(gpu->event, 1);
                }
        }
}

static void unlink_program(struct gpu *gpu, struct gpu_program *program)
{
        struct gpu_program **p = &gpu->queue_head;

        while (*p != program)
                p = &(*p)->after;
        *p = program->after;
        program->running = false;
        foreign_sync(program, false);
        if (!gpu->lost && program->status == 0) {
                program->has_run = true;
                first_run_done(program);
        }
}

/* Fences belong to the waiter until it reports that they have landed. */
static void retire(struct gpu *gpu)
{
        if (gpu->abandoned)
                return;
        pthread_mutex_lock(&gpu->lock);
        unsigned landed = gpu->landed;
        gpu->landed = 0;
        gpu->lost |= gpu->waited != VK_SUCCESS;
        gpu->stuck |= gpu->waited == VK_TIMEOUT;
        pthread_mutex_unlock(&gpu->lock);

        for (; landed; landed--) {
                struct flight first = gpu->flights[0];
                for (unsigned i = 1; i < SEGMENTS_IN_FLIGHT; i++)
                        gpu->flights[i - 1] = gpu->flights[i];
                gpu->flights[SEGMENTS_IN_FLIGHT - 1] = (struct flight){.fence = first.fence};
                gpu->in_flight--;
                first.program->in_flight--;
        }
}

/* A program that has ended: all its segments have landed, or the rest will never start because the device is lost. */
static struct gpu_program *find_over(const struct gpu *gpu)
{
        struct gpu_program *p = gpu->queue_head;

        while (p && (p->in_flight || (p->next < p->segment_count && !gpu->lost)))
                p = p->after;
        return p;
}

int gpu_submit(struct gpu_program *program, gpu_done done, void *userdata)
{
        struct gpu *gpu = program->gpu;
        struct gpu_program **last = &gpu->queue_head;

        if (program->error < 0)
                return program->error;
        if (gpu->lost)
                return -ENODEV;
        if (program->running)
                return -EBUSY;
        program->next = program->in_flight = 0;
        program->status = 0;
        program->done = done;
        program->userdata = userdata;
        program->after = NULL;
        program->running = true;
        while (*last)
                last = &(*last)->after;
        *last = program;
        foreign_sync(program, true);
        pump(gpu);
        if (gpu->lost) /* no fence will land to report it */
                eventfd_write(gpu->event, 1);
        return 0;
}

bool gpu_is_stuck(const struct gpu *gpu)
{
        return gpu->stuck;
}

int gpu_fd(const struct gpu *gpu)
{
        return gpu->event;
}

int gpu_dispatch(struct gpu *gpu)
{
        struct gpu_program *program;
        eventfd_t ignored;

        eventfd_read(gpu->event, &ignored);
        retire(gpu);
        pump(gpu);
        while ((program = find_over(gpu))) {
                unlink_program(gpu, program);
                /* At the very end, because the callback may submit it again or free it. */
                if (program->done)
                        program->done(program->userdata, gpu->lost ? -ENODEV : program->status);
        }
        return gpu->lost ? -ENODEV : 0;
}

/* The waiter hangs in the driver: nothing will land any more. */
static void abandon(struct gpu *gpu)
{
        gpu->lost = gpu->stuck = gpu->abandoned = true;
        while (gpu->in_flight > 0)
                gpu->flights[--gpu->in_flight].program->in_flight = 0;
}

/* Waits until something has landed. */
static int wait_and_dispatch(struct gpu *gpu)
{
        struct pollfd poll_event = {.fd = gpu->event, .events = POLLIN};
        unsigned slices = GRACE_SLICES + (gpu->in_flight ? patience(&gpu->flights[0]) : 0);

        while (slices && poll(&poll_event, 1, SLICE_NS / 1000000) <= 0)
                slices--;
        if (!slices)
                abandon(gpu);
        return gpu_dispatch(gpu);
}

int gpu_wait(struct gpu *gpu)
{
        int r = gpu->lost ? -ENODEV : 0;

        while (gpu->queue_head)
                r = wait_and_dispatch(gpu);
        return r;
}

void program_wait(struct gpu_program *program)
{
        while (program->running)
                wait_and_dispatch(program->gpu);
}

static void note(void *userdata, int status)
{
        *(int *)userdata = status;
}

int gpu_run(struct gpu_program *program)
{
        int status = 0;

        int r = gpu_submit(program, note, &status);
        if (r == 0)
                program_wait(program);
        return r < 0 ? r : status;
}
