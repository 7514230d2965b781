#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/bus/snapshot.h"
#include "daemon/common/cleanup.h"
#include "daemon/pipeline/pixels.h"
#include "v4l2/files/picture.h"

static int not_streaming(const struct manager *m, sd_bus_error *error)
{
        char reason[512];

        enum manager_state state = manager_state(m, reason, sizeof reason);
        return sd_bus_error_setf(error, "org.visaged1.Error.NotStreaming", "there is no picture now: %s%s", reason,
                                 state == MANAGER_IDLE ? "; a hold opens the camera (visagectl hold)" : "");
}

int bus_parse_snapshot(struct call *call, sd_bus_error *error)
{
        return call->manager->sink.live ? 1 : not_streaming(call->manager, error);
}

/* The camera may have gone while polkit was asked. */
int bus_take_snapshot(struct call *call, sd_bus_error *error)
{
        const struct sink_room *s = &call->manager->sink;

        if (!s->live)
                return not_streaming(call->manager, error);
        call->format = s->format;
        call->data = malloc(s->format.size);
        if (!call->data)
                return -ENOMEM;
        memcpy(call->data, s->frame, s->format.size);
        return 1;
}

static int seal(int fd)
{
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int write_png(const struct call *call, int fd)
{
        const struct frame_format *format = &call->format;
        _cleanup_(freep) uint8_t *rgba = malloc((size_t)format->width * format->height * 4);
        struct gpu_pixels pixels;

        if (!rgba)
                return -ENOMEM;
        int r = pixels_layout(format, &pixels);
        if (r < 0)
                return r;
        pixels_unpack(&pixels, call->data, rgba);
        return picture_write_png_fd(fd, format->width, format->height, rgba);
}

void bus_write_snapshot(struct call *call)
{
        int fd = memfd_create("visaged snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0) {
                call->result = -errno;
                return;
        }
        call->result = write_png(call, fd);
        if (call->result == 0)
                call->result = seal(fd);
        call->fd = fd;
}
