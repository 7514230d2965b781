#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/startup.h"

static void *startup_thread(void *userdata)
{
        struct startup *startup = userdata;
        const struct engine_options *options = &startup->engine_options;

        int r = engine_open(&startup->engine, options, startup->why, sizeof startup->why);
        if (r == 0) {
                uint64_t since = stats_now();
                startup->pipeline_options.engine = &startup->engine;
                r = pipeline_new(&startup->pipeline_options, &startup->pipeline, startup->why, sizeof startup->why);
                if (r == 0 && options->progress)
                        options->progress(options->userdata, "programs recorded", (stats_now() - since) / 1e9);
                if (r < 0)
                        engine_close(&startup->engine);
        }
        startup->result = r;
        eventfd_write(startup->fd, 1);
        return NULL;
}

int startup_begin(struct startup *startup)
{
        sigset_t all, before;

        startup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (startup->fd < 0)
                return -errno;
        /* Signals are the event loop's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int r = -pthread_create(&startup->thread, NULL, startup_thread, startup);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        startup->running = r == 0;
        if (r < 0) {
                close(startup->fd);
                startup->fd = -1;
        }
        return r;
}

int startup_finish(struct startup *startup)
{
        if (startup->running)
                pthread_join(startup->thread, NULL);
        startup->running = false;
        if (startup->fd >= 0)
                close(startup->fd);
        startup->fd = -1;
        return startup->result;
}
