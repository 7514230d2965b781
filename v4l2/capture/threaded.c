#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "v4l2/capture/threaded.h"
#include "v4l2/frame-timer.h"
#include "v4l2/thread.h"

/* One that the caller has, the newest one for it to take, and one that is being filled. */
#define SLOTS 3
#define NONE SLOTS

struct threaded {
        struct camera base;   /* its descriptor is an eventfd: there is a frame, an error or a new count */
        struct camera *inner; /* used only by the thread while it runs */
        int end;              /* an eventfd that ends the thread */
        pthread_t thread;

        pthread_mutex_t lock; /* for what follows */
        struct frame slots[SLOTS];
        uint8_t *data[SLOTS];
        unsigned newest, out; /* slots, or NONE */
        int error;            /* with which the thread has ended */
        struct camera_counters counters;
};

/* ---- on the thread ---- */

static void publish(struct threaded *t, unsigned newest, int error)
{
        pthread_mutex_lock(&t->lock);
        if (newest != NONE) {
                t->counters.stale += t->newest != NONE;
                t->newest = newest;
        }
        t->error = error;
        pthread_mutex_unlock(&t->lock);
        eventfd_write(t->base.fd, 1);
}

static unsigned find_free(struct threaded *t)
{
        unsigned slot = 0;

        pthread_mutex_lock(&t->lock);
        while (slot == t->newest || slot == t->out)
                slot++;
        pthread_mutex_unlock(&t->lock);
        return slot;
}

/* Publishes the inner camera's counters, and adds what the thread itself dropped. */
static void count(struct threaded *t, uint64_t late)
{
        const struct camera_counters *inner = &t->inner->counters;

        pthread_mutex_lock(&t->lock);
        t->counters.captured = inner->captured;
        t->counters.corrupt = inner->corrupt;
        t->counters.lost = inner->lost;
        t->counters.stale += late;
        pthread_mutex_unlock(&t->lock);
}

/* 0, -EAGAIN or the error that ends the stream. */
static int convert(struct threaded *t)
{
        const uint64_t begin = monotonic_now(), stale = t->inner->counters.stale;
        const unsigned slot = find_free(t);
        struct frame frame;
        bool late;
        int r;

        t->inner->into = t->data[slot];
        r = t->inner->ops->next(t->inner, &frame);
        late = monotonic_now() - begin > THREADED_BUDGET_NS;
        if (!r) {
                t->slots[slot] = frame;
                if (!late && frame.data != t->data[slot]) /* it is in a buffer that must be given back */
                        memcpy(t->data[slot], frame.data, t->base.format.size);
                r = t->inner->ops->release(t->inner, &frame);
        }
        count(t, t->inner->counters.stale - stale + (!r && late));
        publish(t, r || late ? NONE : slot, r == -EAGAIN ? 0 : r);
        return r;
}

static void *run(void *userdata)
{
        struct threaded *t = userdata;
        struct pollfd fds[] = {{.fd = t->inner->fd, .events = POLLIN | POLLPRI}, {.fd = t->end, .events = POLLIN}};
        int r = 0;

        while (!r || r == -EAGAIN) {
                if (poll(fds, 2, -1) < 0)
                        continue;
                if (fds[1].revents)
                        break;
                r = convert(t);
        }
        return NULL;
}

/* ---- the operations of a camera ---- */

static int start(struct camera *camera)
{
        struct threaded *t = (struct threaded *)camera;
        eventfd_t ignored;
        int r;

        r = t->inner->ops->start(t->inner);
        if (r < 0)
                return r;
        eventfd_read(t->end, &ignored);
        eventfd_read(camera->fd, &ignored);
        t->newest = t->out = NONE;
        t->error = 0;
        r = thread_start(&t->thread, run, t);
        if (r < 0)
                t->inner->ops->stop(t->inner);
        return r;
}

static void stop(struct camera *camera)
{
        struct threaded *t = (struct threaded *)camera;

        eventfd_write(t->end, 1);
        pthread_join(t->thread, NULL);
        t->inner->ops->stop(t->inner);
}

static int next(struct camera *camera, struct frame *ret)
{
        struct threaded *t = (struct threaded *)camera;
        eventfd_t ignored;
        int r = -EAGAIN;

        eventfd_read(camera->fd, &ignored);
        pthread_mutex_lock(&t->lock);
        camera->counters = t->counters;
        if (t->newest != NONE) {
                t->out = t->newest;
                t->newest = NONE;
                *ret = t->slots[t->out];
                ret->data = t->data[t->out];
                r = 0;
        } else if (t->error) {
                r = t->error;
        }
        if (t->error) /* no event will follow it, so stay readable */
                eventfd_write(camera->fd, 1);
        pthread_mutex_unlock(&t->lock);
        return r;
}

static int release(struct camera *camera, const struct frame *frame)
{
        struct threaded *t = (struct threaded *)camera;

        pthread_mutex_lock(&t->lock);
        t->out = NONE;
        pthread_mutex_unlock(&t->lock);
        return 0;
}

static void close_camera(struct camera *camera)
{
        struct threaded *t = (struct threaded *)camera;

        t->inner->ops->close(t->inner);
        pthread_mutex_destroy(&t->lock);
        for (unsigned i = 0; i < SLOTS; i++)
                free(t->data[i]);
        if (camera->fd >= 0)
                close(camera->fd);
        if (t->end >= 0)
                close(t->end);
        free(t);
}

static const struct camera_ops ops = {close_camera, start, stop, next, release};

static int prepare(struct threaded *t)
{
        t->base.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (t->base.fd < 0)
                return -errno;
        t->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (t->end < 0)
                return -errno;
        for (unsigned i = 0; i < SLOTS; i++) {
                t->data[i] = malloc(t->base.format.size);
                if (!t->data[i])
                        return -ENOMEM;
        }
        return 0;
}

int threaded_open(struct camera *inner, struct camera **ret)
{
        struct threaded *t = calloc(1, sizeof *t);
        int r;

        if (!t) {
                inner->ops->close(inner);
                return -ENOMEM;
        }
        t->base = *inner;
        t->base.ops = &ops;
        t->base.fd = t->end = -1;
        t->inner = inner;
        pthread_mutex_init(&t->lock, NULL);
        r = prepare(t);
        if (r < 0) {
                close_camera(&t->base);
                return r;
        }
        *ret = &t->base;
        return 0;
}
