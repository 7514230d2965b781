#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/views.h"

#define FEATHER 12         /* of a face's view, in pixels of the network's input */
#define KEPT_NS 1000000000 /* an older view of a face is worth less than a new one of the whole picture */

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
        views->whole_ns = views->taken_ns = 0;
}

/* ---- what is seen ---- */

static bool is_there(const struct face *faces, size_t count, uint32_t id)
{
        for (size_t i = 0; i < count; i++)
                if (faces[i].id == id)
                        return true;
        return false;
}

/* The other faces' views stay as they are, as far as they are new. */
static void keep_others(const struct views *views, struct gpu_view *view)
{
        struct face faces[FACES_MAX];
        const size_t count = faces_list(views->faces, faces);

        view->kept_feather = FEATHER;
        for (int i = 0; i < GPU_KEPT_MAX; i++) {
                const struct views_kept *kept = &views->kept[i];

                if (kept->face && is_there(faces, count, kept->face) && views->now.time_ns - kept->time_ns < KEPT_NS)
                        memcpy(view->kept[(int)view->kept_count++], kept->from_picture, sizeof kept->from_picture);
        }
}

/* The longer ago, the less what was known counts: where frames are parsed seldom, being late is worse than noise. */
static float memory_of(uint64_t age_ns)
{
        return fmaxf(1 - age_ns / 1.5e9f, 0.01f);
}

void views_choose(struct views *views, uint64_t time_ns, bool fresh, bool whole, struct gpu_view *ret)
{
        struct face_view *now = &views->now;

        now->face = 0;
        if (!fresh && !whole)
                faces_next(views->faces, time_ns, now);
        now->time_ns = time_ns;
        *ret = views->whole;
        ret->memory = fresh ? 0 : memory_of(time_ns - views->taken_ns);
        if (now->face) {
                ret->region = gpu_region_make(views->now.to_picture);
                ret->feather = FEATHER;
                return;
        }
        for (int i = 0; i < 6; i++)
                now->to_picture[i / 3][i % 3] = views->whole.region.to_picture[i / 3][i % 3];
        if (!fresh)
                keep_others(views, ret);
}

/* ---- what was answered ---- */

/* In the face's own place, or else in the one that was not used for longest. */
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

void views_take(struct views *views, const uint32_t *answers)
{
        const size_t count = (size_t)views->now.width * views->now.height;

        for (size_t i = 0; i < count; i++)
                views->labels[i] = answers[i] & 255;
        views->taken_ns = views->now.time_ns;
        if (views->now.face)
                keep(views);
        else
                views->whole_ns = views->now.time_ns;
        faces_see(views->faces, &views->now);
}
