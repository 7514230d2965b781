/* The state of the daemon: for the placeholder, the bus and the service manager. */
#include <stdio.h>

#include "daemon/bus/bus.h"
#include "daemon/common/text.h"
#include "daemon/service/parts.h"

/* The text of the placeholder: why there is no picture. */
const char *supervisor_caption(const struct supervisor *sv)
{
        if (sv->stopped)
                return "stopped";
        if (sv->paused)
                return "paused";
        if (sv->gpu.state != GPU_READY)
                return sv->gpu.losses ? "the GPU is being restarted" : "starting";
        const char *trouble = supervisor_camera_caption(sv);
        return trouble ? trouble : "starting";
}

static enum state look(const struct supervisor *sv, char *ret, size_t size)
{
        const char *held = bus_hold_reason(sv->bus);
        char output[300];

        supervisor_outputs_names(sv, output, sizeof output);

        if (sv->stopped)
                return snprintf(ret, size, "stopped until somebody starts it"), STATE_STOPPED;
        if (sv->paused)
                return snprintf(ret, size, "paused until somebody resumes it"), STATE_PAUSED;
        if (!supervisor_output_first(sv))
                return snprintf(ret, size, "no virtual camera: %s", supervisor_outputs_trouble(sv)), STATE_WAITING;
        if (sv->gpu.state != GPU_READY)
                return snprintf(ret, size, sv->gpu.losses ? "opening the GPU again" : "opening the GPU and the model"),
                       STATE_STARTING;
        if (sv->camera.error)
                return snprintf(ret, size, "%s", sv->camera.cause.text), STATE_WAITING;
        if (sv->output.live)
                return snprintf(ret, size, "%.200s -> %s%s%s", camera_name(sv->camera.camera), output,
                                *held ? ", held for " : "", held),
                       STATE_STREAMING;
        if (!supervisor_camera_wanted(sv))
                return snprintf(ret, size, "idle: nobody watches %s", output), STATE_IDLE;
        return snprintf(ret, size, "opening the camera"), STATE_STARTING;
}

enum state supervisor_state(const struct supervisor *sv, char *reason, size_t size)
{
        char text[sizeof sv->said];

        enum state state = look(sv, text, sizeof text);
        text_printable(text, reason, size); /* names of devices may contain anything, such as a line break */
        return state;
}
