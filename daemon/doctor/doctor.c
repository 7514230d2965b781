#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/doctor/world.h"

#define CHILD_SECONDS 600 /* on a CPU, the first run compiles for a minute, or for several if it is busy */

const char *const doctor_severity_names[] = {"ok", "skipped", "warning", "problem"};

const struct doctor_check doctor_checks[] = {
        {"v4l2loopback", doctor_module},
        {"loopback version", doctor_version},
        {"exclusive_caps", doctor_exclusive_caps, .each = true},
        {"max_buffers", doctor_max_buffers},
        {"virtual camera", doctor_node, .each = true},
        {"producer", doctor_producer, .each = true},
        {"size", doctor_size},
        {"colours", doctor_colour, .each = true},
        {"PipeWire", doctor_pipewire, .each = true},
        {"camera", doctor_camera},
        {"camera users", doctor_camera_users},
        {"groups", doctor_groups},
        {"user visaged", doctor_account},
        {"GPU", doctor_gpu, .child = true},
        {"self-test", doctor_self_test, .child = true},
        {"model", doctor_model},
        {"configuration", doctor_configuration},
        {"service", doctor_service},
        {"daemon", doctor_daemon},
        {NULL},
};

/* A Vulkan driver may crash or never return, which is also a finding. */
static void run_child(const struct doctor_check *check, const struct doctor_world *world, struct doctor_finding *ret)
{
        int ends[2], status = 0;
        ssize_t n;
        pid_t pid;

        if (pipe(ends) < 0) {
                doctor_say(ret, DOCTOR_SKIPPED, "no pipe: %s", strerror(errno));
                return;
        }
        if ((pid = fork()) < 0)
                doctor_say(ret, DOCTOR_SKIPPED, "no process: %s", strerror(errno));
        if (pid == 0) {
                alarm(CHILD_SECONDS);
                check->run(world, ret);
                n = write(ends[1], ret, sizeof *ret); /* less than PIPE_BUF */
                _exit(n != sizeof *ret);
        }
        close(ends[1]);
        do
                n = read(ends[0], ret, sizeof *ret);
        while (n < 0 && errno == EINTR);
        close(ends[0]);
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (pid < 0 || n == sizeof *ret)
                return;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
                doctor_say(ret, DOCTOR_PROBLEM, "the driver did not return within %d seconds", CHILD_SECONDS);
        else if (WIFSIGNALED(status))
                doctor_say(ret, DOCTOR_PROBLEM, "the driver crashed: %s", strsignal(WTERMSIG(status)));
        else
                doctor_say(ret, DOCTOR_PROBLEM, "the driver ended the program");
        doctor_fix(ret, "update the Vulkan driver, or choose another GPU from \"visagectl gpus\" (key \"gpu\")");
}

void doctor_run(const struct doctor_check *check, const struct doctor_world *world, struct doctor_finding *ret)
{
        *ret = (struct doctor_finding){0};
        if (check->child)
                run_child(check, world, ret);
        else
                check->run(world, ret);
}
