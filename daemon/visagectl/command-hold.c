#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/interface.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

#define TRIES 100 /* how often to look for a picture, at intervals of 0.1 s */

static const char help[] =
        "Usage: visagectl hold [OPTION]... [COMMAND [ARGUMENT]...]\n"
        "\n"
        "Keeps the camera open, as a program that reads the virtual camera does.  Runs COMMAND as soon as there is a "
        "picture,\n"
        "and exits with its status; without COMMAND, holds the camera until ctrl-C.  Does not end a pause or a stop.\n"
        "\n"
        "      --why=TEXT a few words that \"visagectl status\" then shows [visagectl]\n";

/* Waits for a picture, at most as long as a camera takes to open.  If there is none, `why` has the daemon's reason. */
static int wait_for_picture(struct client *client, char *why, size_t why_size)
{
        char state[32], reason[600];
        json_t *properties;

        for (int i = 0; i < TRIES;
             i += strcmp(state, state_names[STATE_STARTING]) != 0) { /* starting may take long, but it ends */
                int r = client_properties(client, &properties, why, why_size);
                if (r < 0)
                        return r;
                snprintf(state, sizeof state, "%s", client_text(properties, "state"));
                snprintf(reason, sizeof reason, "%s", client_text(properties, "state_reason"));
                json_decref(properties);
                if (strcmp(state, state_names[STATE_STREAMING]) == 0)
                        return 0;
                if (strcmp(state, state_names[STATE_PAUSED]) == 0 || strcmp(state, state_names[STATE_STOPPED]) == 0)
                        break;
                usleep(100000);
        }
        snprintf(why, why_size, "there is no picture: visaged is %s%s%s", state, reason[0] ? ", " : "", reason);
        return -ENODATA;
}

/* Runs the command and returns the status that a shell would. */
static int run(char **command)
{
        int status, r;

        signal(SIGCHLD, SIG_DFL); /* if our parent left it ignored, children would end without a status */
        pid_t pid = fork();
        if (pid == 0) {
                execvp(command[0], command);
                int error = errno;
                command_error("%s: %s", command[0], strerror(error));
                _exit(error == ENOENT ? 127 : 126);
        }
        if (pid < 0) {
                command_error("%s: %s", command[0], strerror(errno));
                return 1;
        }
        signal(SIGINT, SIG_IGN); /* ctrl-C is for the command; when that ends, so do we */
        signal(SIGQUIT, SIG_IGN);
        while ((r = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
                ;
        if (r < 0) {
                command_error("%s: %s", command[0], strerror(errno));
                return 1;
        }
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Waits until a signal ends this process, or the daemon closes its end of the descriptor. */
static int wait_for_the_end(int hold)
{
        struct pollfd end = {.fd = hold};

        while (poll(&end, 1, -1) <= 0 || !(end.revents & (POLLHUP | POLLERR | POLLNVAL)))
                ;
        return command_bus_lost();
}

int command_hold(int argc, char **argv)
{
        enum { WHY = COMMAND_BUS_OWN_OPTION };
        static const struct option table[] = {COMMAND_BUS_OPTIONS, {"why", required_argument, NULL, WHY}, {0}};
        _cleanup_(closep) int hold = -1;
        enum client_bus bus = CLIENT_EITHER;
        const char *reason = "visagectl";
        struct client client;
        char why[1024];
        int option, status;

        while ((option = command_getopt(argc, argv, "+h", table)) != -1)
                if (option == WHY)
                        reason = optarg;
                else if ((status = command_bus_option(option, argv[0], help, &bus)) >= 0)
                        return status;
        if (command_bus_open(bus, true, &client) < 0)
                return 1;
        int r = client_call_fd(&client, "Hold", reason, &hold, why, sizeof why);
        if (r == 0 && optind < argc)
                r = wait_for_picture(&client, why, sizeof why);
        client_close(&client);
        if (r < 0) {
                command_error("%s", why);
                return 1;
        }
        return optind < argc ? run(argv + optind) : wait_for_the_end(hold);
}
