#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/views.h"

_Static_assert((int)FACES_MAX == (int)GPU_KEPT_MAX, "each face can be kept, and can move");

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
        views->place_count = 0;
        views->whole_ns = 0;
}

/* ---- what is known ---- */

/* The views of present faces other than the one that is looked at, if they are new enough.  A view of the whole picture
 * leaves them as they are. */
static void keep_others(struct views *views, uint64_t keep_ns, struct gpu_view *view)
{
        const bool whole = views->now.look == LOOK_WHOLE;

        view->kept_feather = FEATHER;
        for (int i = 0; i < GPU_KEPT_MAX; i++) {
                struct views_kept *kept = &views->kept[i];

                const bool keeps = kept->face && kept->face != views->now.face &&
                                   faces_know(views->faces, kept->face) && views->now.time_ns - kept->time_ns < keep_ns;
                if (whole)
                        kept->spared_ns = keeps ? kept->time_ns : 0;
                if (keeps)
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

/* ---- what has moved ---- */

static struct face_place *place_before(struct views *views, uint32_t face)
{
        for (size_t i = 0; i < views->place_count; i++)
                if (views->places[i].id == face)
                        return &views->places[i];
        return NULL;
}

static void move_kept(struct views *views, uint32_t face, float by_x, float by_y)
{
        for (int i = 0; i < GPU_KEPT_MAX; i++) {
                struct views_kept *kept = &views->kept[i];
                for (int k = 0; k < 2 && kept->face == face; k++)
                        kept->from_picture[k][2] -= kept->from_picture[k][0] * by_x + kept->from_picture[k][1] * by_y;
        }
}

/* By whole pixels, so that labels stay what they are; by none if a face has not left its pixel: it may be noise. */
static float whole_pixels(float by)
{
        return fabsf(by) >= 1 ? roundf(by) : 0;
}

/* By how much what the map has of a face must move to be at its place now.  `place` becomes where the map will have it.
 */
static bool follow(struct views *views, struct face_place *place, struct gpu_moved *ret)
{
        const struct face_place *before = place_before(views, place->id);

        *ret = (struct gpu_moved){.x = place->x, .y = place->y, .size = place->size};
        if (!before)
                return false;
        ret->by_x = whole_pixels(place->x - before->x);
        ret->by_y = whole_pixels(place->y - before->y);
        place->x = before->x + ret->by_x;
        place->y = before->y + ret->by_y;
        move_kept(views, place->id, ret->by_x, ret->by_y);
        return ret->by_x != 0 || ret->by_y != 0;
}

/* Lets the map move with the faces. */
static void move(struct views *views, uint64_t time_ns, struct gpu_view *view)
{
        struct face_place places[FACES_MAX];
        const size_t count = faces_places(views->faces, time_ns, places);
        bool any = false;

        for (size_t i = 0; i < count; i++)
                any |= follow(views, &places[i], &view->moved[i]);
        view->moved_count = any ? count : 0;
        memcpy(views->places, places, sizeof places);
        views->place_count = count;
}

/* ---- what is seen ---- */

void views_choose(struct views *views, uint64_t time_ns, bool fresh, uint64_t keep_ns, struct gpu_view *ret)
{
        struct face_view *now = &views->now;

        now->look = LOOK_WHOLE;
        now->face = 0;
        if (!fresh && keep_ns > 0)
                faces_next(views->faces, time_ns, now);
        now->time_ns = time_ns;
        *ret = views->whole;
        ret->memory = fresh ? 0 : memory(views, time_ns);
        move(views, time_ns, ret);
        keep_others(views, fresh ? 0 : keep_ns, ret);
        if (now->look != LOOK_WHOLE) {
                ret->region = gpu_region_make(now->to_picture);
                ret->feather = now->look == LOOK_FACE ? FEATHER : GPU_FEATHER_NOWHERE;
                return;
        }
        for (int i = 0; i < 6; i++)
                now->to_picture[i / 3][i % 3] = views->whole.region.to_picture[i / 3][i % 3];
}

/* ---- what was answered ---- */

/* The face's own slot, or else the least recently used one. */
static struct views_kept *slot_of(struct views *views, uint32_t face)
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

/* A view that did not show its face is not worth keeping. */
static void take_face(struct views *views, bool shown)
{
        const struct gpu_region region = gpu_region_make(views->now.to_picture);
        struct views_kept *kept = slot_of(views, views->now.face);

        *kept = (struct views_kept){0};
        if (!shown)
                return;
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

static bool is_spared(const struct views *views, uint32_t face)
{
        for (int i = 0; i < GPU_KEPT_MAX; i++)
                if (views->kept[i].face == face && views->kept[i].spared_ns)
                        return true;
        return false;
}

/* Where a face was measured in answers that are in the map now, the map has it.  Elsewhere it stays where it was moved.
 */
static bool is_placed(const struct views *views, const struct face_place *place)
{
        const struct face_view *now = &views->now;

        return place->measured_ns == now->time_ns &&
               (now->look == LOOK_WHOLE ? !is_spared(views, place->id) : now->face == place->id);
}

/* Returns whether the face that was looked at has been measured. */
static bool update_places(struct views *views)
{
        struct face_place places[FACES_MAX];
        const size_t count = faces_places(views->faces, views->now.time_ns, places);
        bool shown = false;

        for (size_t i = 0; i < count; i++) {
                const struct face_place *before = place_before(views, places[i].id);
                const bool placed = is_placed(views, &places[i]);
                shown |= placed && places[i].id == views->now.face;
                if (before && !placed)
                        places[i] = *before;
        }
        memcpy(views->places, places, sizeof places);
        views->place_count = count;
        return shown;
}

void views_take(struct views *views, const uint32_t *answers)
{
        const size_t count = (size_t)views->now.width * views->now.height;

        for (size_t i = 0; i < count; i++)
                views->labels[i] = answers[i] & 255;
        faces_see(views->faces, &views->now);
        const bool shown = update_places(views);
        if (views->now.look == LOOK_FACE)
                take_face(views, shown);
        else if (views->now.look == LOOK_WHOLE)
                take_whole(views);
}
