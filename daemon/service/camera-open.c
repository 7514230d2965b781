/* Opening a camera: which one, and what the thread does that opens it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/service/parts.h"
#include "v4l2/names.h"

/* The camera that was open before, by its id, because another may have its number now.  Without a configured camera,
 * any will do. */
static void name_camera(struct supervisor *sv)
{
        const char *spec = sv->config.camera;
        char link[sizeof BY_ID + sizeof sv->camera.id];

        snprintf(link, sizeof link, BY_ID "%s", sv->camera.id);
        if (sv->camera.id[0] && (spec[0] || access(link, F_OK) == 0))
                snprintf(sv->camera.spec, sizeof sv->camera.spec, "%s", link);
        else
                snprintf(sv->camera.spec, sizeof sv->camera.spec, "%s", spec);
}

void supervisor_camera_plan(struct supervisor *sv)
{
        const struct config *config = &sv->config;
        struct camera_part *c = &sv->camera;

        name_camera(sv);
        c->set = sv->gpu.now;
        c->wish = (struct camera_wish){.width = config->width, .height = config->height, .rate = config->rate};
}

/* ---- on the thread ---- */

/* The first camera that is not a loopback node: one of those is the virtual camera itself. */
static int choose(char *ret, size_t size, char *why, size_t why_size)
{
        _cleanup_(freep) struct camera_info *list = NULL;

        int n = camera_list(&list);
        for (int i = 0; i < n; i++)
                if (list[i].card[0] && strcmp(list[i].driver, "v4l2 loopback") != 0) {
                        snprintf(ret, size, "%s", list[i].node);
                        return 0;
                }
        snprintf(why, why_size, "there is no camera; \"visagectl cameras\" lists the cameras");
        return -ENOENT;
}

/* What the pipeline will need for these frames is compiled here: on the event loop it would stop everything else. */
static void prepare_pipeline(struct gpu_set *set, const struct frame_format *format)
{
        pthread_mutex_lock(&set->lock);
        if (set->pipeline) {
                pipeline_prepare_source(set->pipeline, format); /* pipeline_source() will report errors */
                set->source = *format;
        }
        pthread_mutex_unlock(&set->lock);
}

void supervisor_camera_open(void *userdata)
{
        struct supervisor *sv = userdata;
        struct camera_part *c = &sv->camera;

        c->result = c->spec[0] ? 0 : choose(c->spec, sizeof c->spec, c->why, sizeof c->why);
        if (c->result < 0)
                return;
        c->result = camera_open(c->spec, &c->wish, &c->camera, c->why, sizeof c->why);
        if (c->result < 0)
                return;
        c->result = camera_start(c->camera);
        if (c->result < 0) {
                snprintf(c->why, sizeof c->why, "%.200s does not start: %s", c->spec, strerror(-c->result));
                camera_close(c->camera);
                return;
        }
        prepare_pipeline(c->set, camera_format(c->camera));
}
