/* What a camera's errors mean: in words, and for trying again. */
#define LOG_COMPONENT "camera"

#include <errno.h>
#include <string.h>

#include "daemon/service/parts.h"
#include "v4l2/names.h"

static const struct {
        int error;
        const char *caption, *text; /* text NULL: strerror() */
} troubles[] = {
        {-ENOENT, "camera unplugged", NULL},
        {-ENODEV, "camera unplugged", "the camera is gone"},
        {-ENXIO, "camera unplugged", "the camera is gone"},
        {-EBUSY, "camera in use by another program", NULL},
        {-EACCES, "no permission to use the camera", NULL},
        {-EPERM, "no permission to use the camera", NULL},
        {-ETIMEDOUT, "camera sends no pictures", "the camera sends no pictures"},
        {-EIO, "camera interrupted", "the camera's stream broke"},
};

const char *supervisor_camera_caption(const struct supervisor *sv)
{
        if (sv->camera.error == 0)
                return NULL;
        for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
                if (troubles[i].error == sv->camera.error)
                        return troubles[i].caption;
        return "camera fault";
}

const char *supervisor_camera_error(int error)
{
        for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
                if (troubles[i].error == error && troubles[i].text)
                        return troubles[i].text;
        return strerror(-error);
}

/* ---- trying again ---- */

bool supervisor_camera_awaits_plug(const struct supervisor *sv)
{
        const int error = sv->camera.error;

        return sv->camera.plugged && (error == -ENOENT || error == -ENODEV || error == -ENXIO) &&
               name_of_camera(sv->config.camera, NULL) == NAME_NODE;
}

bool supervisor_camera_is_hopeless(const struct supervisor *sv)
{
        return supervisor_is_finite(sv) && !name_may_appear(sv->config.camera);
}

int supervisor_camera_check(struct supervisor *sv)
{
        const struct camera_wish wish = {
                .width = sv->config.width, .height = sv->config.height, .rate = sv->config.rate};
        struct camera *camera;
        char why[512];

        if (!supervisor_camera_is_hopeless(sv))
                return 0;
        int r = camera_open(sv->config.camera, &wish, &camera, why, sizeof why);
        if (r < 0)
                log_error("%s", why);
        else
                camera_close(camera);
        return r;
}
