#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

static const char help[] = "Usage: visagectl snapshot [OPTION]...\n"
                           "\n"
                           "Writes the newest picture that the virtual camera shows, as a PNG.  There is one only "
                           "while something reads the\n"
                           "virtual camera or holds the camera.  Otherwise, open the camera for a moment:\n"
                           "\n"
                           "  visagectl hold visagectl snapshot -o me.png\n"
                           "\n"
                           "  -o, --output=FILE  the file to write; by default, or with \"-\", standard output, which "
                           "may not be a terminal\n";

/* Copies a whole file from its beginning, regardless of its position.  Returns the negative errno of either end. */
static int copy(int from, int to)
{
        char block[65536];
        off_t at = 0;
        ssize_t n;

        while ((n = pread(from, block, sizeof block, at)) > 0) {
                at += n;
                for (ssize_t done = 0, m; done < n; done += m)
                        if ((m = write(to, block + done, (size_t)(n - done))) < 0)
                                return -errno;
        }
        return n < 0 ? -errno : at == 0 ? -ENODATA : 0;
}

/* Whether the path is replaced, as a file or a link to one is.  A device or a pipe is written to directly. */
static bool gives_way(const char *path)
{
        struct stat st;

        return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

static int save_into(int picture, const char *path)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return -errno;
        int r = copy(picture, fd);
        close(fd);
        return r;
}

/* Pictures of faces are private, and mkostemp() makes files that only their owner can read.  The file gets its final
 * name once it is complete; if it cannot be written, the old one stays. */
static int save_as(int picture, const char *path)
{
        char temporary[PATH_MAX];

        if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
                return -ENAMETOOLONG;
        int fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int r = copy(picture, fd);
        if (close(fd) < 0 && r == 0) /* some file systems only now report that they are full */
                r = -errno;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                unlink(temporary);
        return r;
}

static int save(int picture, const char *path)
{
        if (!path)
                return copy(picture, STDOUT_FILENO);
        return gives_way(path) ? save_as(picture, path) : save_into(picture, path);
}

static int take(enum client_bus bus, const char *path)
{
        _cleanup_(closep) int picture = -1;
        struct client client;
        char why[1024];

        if (command_bus_open(bus, false, &client) < 0)
                return 1;
        int r = client_call_fd(&client, "Snapshot", NULL, &picture, why, sizeof why);
        client_close(&client);
        if (r < 0) {
                command_error("%s", why);
                return 1;
        }
        r = save(picture, path);
        if (r < 0)
                command_error("%s: %s", path ? path : "standard output", strerror(-r));
        return r < 0 ? 1 : 0;
}

int command_snapshot(int argc, char **argv)
{
        static const struct option table[] = {COMMAND_BUS_OPTIONS, {"output", required_argument, NULL, 'o'}, {0}};
        enum client_bus bus = CLIENT_EITHER;
        const char *path = "-";
        int option, status;

        while ((option = command_getopt(argc, argv, "o:h", table)) != -1)
                if (option == 'o')
                        path = optarg;
                else if ((status = command_bus_option(option, argv[0], help, &bus)) >= 0)
                        return status;
        if (optind < argc)
                return command_usage(argv[0], "unexpected argument \"%s\"; did you mean -o?", argv[optind]);
        if (strcmp(path, "-") == 0)
                path = NULL;
        if (!path && isatty(STDOUT_FILENO))
                return command_usage(argv[0], "a terminal cannot show a PNG; use -o FILE.png");
        return take(bus, path);
}
