#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "v4l2/camera-kind.h"
#include "v4l2/camera.h"
#include "v4l2/names.h"
#include "v4l2/why.h"

static int open_node(const char *spec, const struct camera_wish *wish, struct camera **ret, char *why, size_t why_size)
{
        char path[PATH_MAX];

        if (name_node(spec, path, sizeof path) < 0)
                return why_say(why, why_size, -EINVAL, "the camera's name is too long; use /dev/videoN");
        return capture_open(path, wish, ret, why, why_size);
}

/* Splits "FILE?option".  The option is NULL if there is none. */
static int split_file(const char *text, char path[PATH_MAX], const char **ret_option, char *why, size_t why_size)
{
        const char *mark = strrchr(text, '?');
        size_t length = mark ? (size_t)(mark - text) : strlen(text);

        if (!length)
                return why_say(why, why_size, -EINVAL, "no file name after the colon; write image:FILE or y4m:FILE");
        if (length >= PATH_MAX)
                return why_say(why, why_size, -EINVAL, "the file's path is too long; move it closer to /");
        memcpy(path, text, length);
        path[length] = '\0';
        *ret_option = mark ? mark + 1 : NULL;
        return 0;
}

static int open_file(const char *text, bool picture, const struct camera_wish *wish, struct camera **ret, char *why,
                     size_t why_size)
{
        const char *known = picture ? "move" : "once", *option = NULL;
        char path[PATH_MAX];
        int r;

        r = split_file(text, path, &option, why, why_size);
        if (r < 0)
                return r;
        if (option && strcmp(option, known) != 0)
                return why_say(why, why_size, -EINVAL, "unknown option \"?%s\"; write %s:FILE or %s:FILE?%s", option,
                               picture ? "image" : "y4m", picture ? "image" : "y4m", known);
        if (picture)
                return still_open(path, option != NULL, wish, ret, why, why_size);
        return y4m_open(path, option != NULL, ret, why, why_size);
}

int camera_open(const char *spec, const struct camera_wish *wish, struct camera **ret, char *why, size_t why_size)
{
        static const struct camera_wish any;
        enum name_kind kind;
        const char *rest;

        if (!spec || !*spec)
                return why_say(why, why_size, -EINVAL,
                               "no camera given; use /dev/videoN, a name from /dev/v4l/by-id, image:FILE or y4m:FILE");
        if (!wish)
                wish = &any;
        kind = name_of_camera(spec, &rest);
        if (kind != NAME_NODE)
                return open_file(rest, kind == NAME_IMAGE, wish, ret, why, why_size);
        return open_node(spec, wish, ret, why, why_size);
}

void camera_close(struct camera *camera)
{
        if (!camera)
                return;
        camera_stop(camera);
        camera->ops->close(camera);
}

const struct frame_format *camera_format(const struct camera *camera)
{
        return &camera->format;
}

struct frame_rate camera_rate(const struct camera *camera)
{
        return camera->rate;
}

const char *camera_name(const struct camera *camera)
{
        return camera->name;
}

const char *camera_id(const struct camera *camera)
{
        return camera->id;
}

const struct camera_counters *camera_counters(const struct camera *camera)
{
        return &camera->counters;
}

struct frame_memory *camera_memory(const struct camera *camera)
{
        return camera->memory;
}

int camera_start(struct camera *camera)
{
        int r;

        if (camera->streaming)
                return 0;
        r = camera->ops->start(camera);
        if (r < 0)
                return r;
        camera->streaming = true;
        return 0;
}

void camera_stop(struct camera *camera)
{
        if (!camera->streaming)
                return;
        camera->ops->stop(camera);
        camera->streaming = false;
        camera->out = 0;
}

int camera_fd(const struct camera *camera)
{
        return camera->fd;
}

int camera_next(struct camera *camera, struct frame *ret)
{
        int r;

        assert(!camera->out || camera->memory);
        if (!camera->streaming)
                return -EIO;
        r = camera->ops->next(camera, ret);
        if (r < 0)
                return r;
        camera->out++;
        return 0;
}

int camera_release(struct camera *camera, const struct frame *frame)
{
        /* If the stream has stopped since, there is nothing to give back. */
        if (!camera->out)
                return 0;
        camera->out--;
        return camera->ops->release(camera, frame);
}
