#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/bus/snapshot.h"

static int not_streaming(const struct control_view *view, sd_bus_error *error)
{
        return sd_bus_error_setf(error, INTERFACE_ERROR "NotStreaming", "there is no picture now: %s%s", view->reason,
                                 view->state == STATE_IDLE ? "; a hold opens the camera (visagectl hold)" : "");
}

int bus_take_snapshot(struct call *call, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);

        int r = call->bus->control->take_frame(call->bus->supervisor, &call->data);
        if (r == -EAGAIN)
                return not_streaming(&view, error);
        return r < 0 ? r : 1;
}

static int seal(int fd)
{
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

void bus_write_snapshot(struct call *call)
{
        int fd = memfd_create("visaged snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0) {
                call->result = -errno;
                return;
        }
        call->result = call->bus->control->write_frame(call->data, fd);
        if (call->result == 0)
                call->result = seal(fd);
        call->fd = fd;
}
