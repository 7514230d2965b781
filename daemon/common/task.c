#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/common/task.h"

static void *task_thread(void *userdata)
{
        struct task *task = userdata;

        task->run(task->userdata);
        eventfd_write(task->fd, 1);
        return NULL;
}

int task_begin(struct task *task, void (*run)(void *userdata), void *userdata)
{
        sigset_t all, before;

        *task = (struct task){.run = run, .userdata = userdata, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        if (task->fd < 0)
                return -errno;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int r = -pthread_create(&task->thread, NULL, task_thread, task);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        task->running = r == 0;
        if (r < 0)
                task_finish(task);
        return r;
}

void task_finish(struct task *task)
{
        if (task->running)
                pthread_join(task->thread, NULL);
        if (task->fd >= 0)
                close(task->fd);
        *task = TASK_NONE;
}
