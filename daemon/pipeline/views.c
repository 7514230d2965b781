#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/views.h"

#define FEATHER 12 /* of a face's view, in pixels of the network's input */

int views_init(struct views *views, const struct views_options *options)
{
        const struct model_info *model = options->model;
        const char *names[MODEL_CLASSES_MAX];

        *views = (struct views){
                .whole = gpu_view_whole(options->width, options->height, model->width, model->height),
                .now = {.width = model->width, .height = model->height},
                .labels = malloc((size_t)model->width * model->height),
        };
        views->now.labels = views->labels;
        if (!views->labels)
                return -ENOMEM;
        for (uint32_t i = 0; i < model->classes; i++)
                names[i] = model->class[i].name;
        return faces_new(&(struct faces_options){.classes = names,
                                                 .class_count = model->classes,
                                                 .width = options->width,
                                                 .height = options->height,
                                                 .view_width = model->width,
                                                 .view_height = model->height,
                                                 .most = options->faces_most,
                                                 .born_ns = options->born_ns,
                                                 .gone_ns = options->gone_ns},
                         &views->faces);
}

void views_finish(struct views *views)
{
        faces_free(views->faces);
        free(views->labels);
        *views = (struct views){0};
}

void views_reset(struct views *views)
{
        faces_reset(views->faces);
        memset(views->kept, 0, sizeof views->kept);
        views->whole_ns = 0;
}

/* ---- what is seen ---- */

/* Leaves the views of present faces as they are, if they are new enough. */
static void keep_others(struct views *views, uint64_t keep_ns, struct gpu_view *view)
{
        view->kept_feather = FEATHER;
        for (int i = 0; i < GPU_KEPT_MAX; i++) {
                struct views_kept *kept = &views->kept[i];

                const bool spare = kept->face && faces_know(views->faces, kept->face) &&
                                   views->now.time_ns - kept->time_ns < keep_ns;
                kept->spared_ns = spare ? kept->time_ns : 0;
                if (spare)
                        memcpy(view->kept[(int)view->kept_count++], kept->from_picture, sizeof kept->from_picture);
        }
}

uint64_t views_oldest_ns(const struct views *views)
{
        uint64_t oldest = views->whole_ns;

        for (int i = 0; i < GPU_KEPT_MAX; i++)
                if (views->kept[i].stands_ns && views->kept[i].stands_ns < oldest)
                        oldest = views->kept[i].stands_ns;
        return oldest;
}

/* The time of the map's answers from a view at least as fine as this one; coarser answers do not count.  0: none. */
static uint64_t known_ns(const struct views *views)
{
        if (!views->now.face)
                return views->whole_ns;
        for (int i = 0; i < GPU_KEPT_MAX; i++)
                if (views->kept[i].face == views->now.face)
                        return views->kept[i].time_ns;
        return 0;
}

/* The weight of earlier answers falls with their age: if frames are parsed rarely, lag is worse than noise. */
static float memory(const struct views *views, uint64_t time_ns)
{
        const uint64_t known = known_ns(views);

        return known ? fmaxf(1 - (time_ns - known) / 1.5e9f, 0.01f) : 0.01f;
}

void views_choose(struct views *views, uint64_t time_ns, bool fresh, uint64_t keep_ns, struct gpu_view *ret)
{
        struct face_view *now = &views->now;

        now->face = 0;
        if (!fresh && keep_ns > 0)
                faces_next(views->faces, time_ns, now);
        now->time_ns = time_ns;
        *ret = views->whole;
        ret->memory = fresh ? 0 : memory(views, time_ns);
        if (now->face) {
                ret->region = gpu_region_make(views->now.to_picture);
                ret->feather = FEATHER;
                return;
        }
        for (int i = 0; i < 6; i++)
                now->to_picture[i / 3][i % 3] = views->whole.region.to_picture[i / 3][i % 3];
        keep_others(views, fresh ? 0 : keep_ns, ret);
}

/* ---- what was answered ---- */

/* The face's own place, or else the least recently used one. */
static struct views_kept *place_of(struct views *views, uint32_t face)
{
        struct views_kept *oldest = &views->kept[0];

        for (int i = 0; i < GPU_KEPT_MAX; i++) {
                if (views->kept[i].face == face)
                        return &views->kept[i];
                if (views->kept[i].time_ns < oldest->time_ns)
                        oldest = &views->kept[i];
        }
        return oldest;
}

static void keep(struct views *views)
{
        const struct gpu_region region = gpu_region_make(views->now.to_picture);
        struct views_kept *kept = place_of(views, views->now.face);

        kept->face = views->now.face;
        kept->time_ns = views->now.time_ns;
        memcpy(kept->from_picture, region.from_picture, sizeof kept->from_picture);
}

static void take_whole(struct views *views)
{
        views->whole_ns = views->now.time_ns;
        for (int i = 0; i < GPU_KEPT_MAX; i++)
                views->kept[i].stands_ns = views->kept[i].spared_ns;
}

void views_take(struct views *views, const uint32_t *answers)
{
        const size_t count = (size_t)views->now.width * views->now.height;

        for (size_t i = 0; i < count; i++)
                views->labels[i] = answers[i] & 255;
        if (views->now.face)
                keep(views);
        else
                take_whole(views);
        faces_see(views->faces, &views->now);
}
