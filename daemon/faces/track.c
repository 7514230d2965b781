#include <math.h>
#include <string.h>

#include "daemon/faces/track.h"
#include "daemon/faces/view.h"

/* Two boxes that share this much of their union for this long belong to one face. */
#define SAME_IOU 0.5f
#define SAME_NS 1000000000
/* How far from its expected place a face is looked for, in its sizes; the sizes may differ by this factor. */
#define REACH 0.8f
#define SIZE_RATIO 2.2f
/* A face belongs to one person rather than to another if it is nearer by so much. */
#define NEARER 0.3f
/* How long an unseen face is assumed to keep moving, and how long it may be behind another one. */
#define COAST_SECONDS 1.5f
#define HIDDEN_NS 1500000000
/* How far ahead of its last measurement a face's place is told. */
#define PLACE_SECONDS 0.3f
/* A face moves if it does so by this many of its sizes a second; what seems to be less may be noise. */
#define MOVES 0.2f
/* Speeds are smoothed over this time. */
#define MOTION_SECONDS 0.3f
/* A face that is not present yet is dropped after being unseen for this long, if it has been looked for. */
#define DOUBT_NS UINT64_C(1000000000)
/* For this long after a view of its own, the coarser ones of the whole picture do not count, unless it has moved this
 * far (in its sizes, and in their pixels). */
#define OWN_VIEW_NS 400000000
#define MOVED 0.08f
#define MOVED_PIXELS 4
/* A face with a smaller area in pixels of the view is too rough to tell how it is turned exactly.  The network needs to
 * know that to within so many degrees (its training had tilts of up to as much); a view of the face's own then tells it
 * exactly, and for so long its size, too. */
#define ROUGH_AREA 1500
#define ROUGH_ROLL 20
#define OWN_SHAPE_NS 1000000000
/* For this long after a view of its own, it does not matter that the whole picture does not show a face, if it never
 * did.  All faces have their turns in less. */
#define NEAR_NS UINT64_C(3000000000)

void tracks_init(struct tracks *tracks, const struct faces_options *options)
{
        *tracks = (struct tracks){
                .width = options->width,
                .height = options->height,
                .born_ns = options->born_ns,
                .gone_ns = options->gone_ns,
        };
}

void tracks_reset(struct tracks *tracks)
{
        memset(tracks->list, 0, sizeof tracks->list);
}

/* ---- which is which ---- */

static float seconds(uint64_t from, uint64_t to)
{
        return to > from ? 1e-9f * (to - from) : 0;
}

/* Where the face should be if it has kept moving since it was last measured. */
static void predict(const struct track *track, uint64_t time_ns, float *ret_x, float *ret_y)
{
        const float since = fminf(seconds(track->x.time_ns, time_ns), COAST_SECONDS);

        *ret_x = track->x.raw + track->x.speed * since;
        *ret_y = track->y.raw + track->y.speed * since;
}

/* How far what was found is from there, in the face's sizes.  INFINITY: it cannot be the same. */
static float distance(const struct track *track, const struct found *found, uint64_t time_ns)
{
        const float since = fminf(seconds(track->x.time_ns, time_ns), COAST_SECONDS);
        const float size = sqrtf(track->width.value * track->height.value);
        const float other = sqrtf(found->upright.width * found->upright.height);
        float x, y;

        predict(track, time_ns, &x, &y);
        const float away = hypotf(found->upright.x - x, found->upright.y - y) / size;
        if (other > SIZE_RATIO * size || size > SIZE_RATIO * other || away > REACH * (1 + since))
                return INFINITY;
        return away + fabsf(logf(other / size));
}

/* Notes which faces are behind the one that was found: those measured a moment ago that should now be within it.  They
 * are not gone.  Returns whether what was found may as well be one of them, or belong to several. */
static bool note_hidden(struct tracks *tracks, const struct track *track, const struct found *found, uint64_t time_ns)
{
        const float own = distance(track, found, time_ns);
        bool doubtful = false;

        for (int i = 0; i < FACES_MAX; i++) {
                struct track *other = &tracks->list[i];
                float x, y;

                if (!other->used || other == track || !other->born || time_ns - other->x.time_ns >= HIDDEN_NS)
                        continue;
                predict(other, time_ns, &x, &y);
                if (x <= found->left || x >= found->right || y <= found->top || y >= found->bottom)
                        continue;
                other->face.seen_ns = other->sure_ns = time_ns;
                doubtful |= own > NEARER || distance(other, found, time_ns) < own + NEARER;
        }
        return doubtful;
}

/* A view of one face may show others: whether one of them is nearer to what was found. */
static bool is_anothers(const struct tracks *tracks, const struct track *track, const struct found *found,
                        uint64_t time_ns)
{
        const float away = distance(track, found, time_ns);

        for (int i = 0; i < FACES_MAX; i++)
                if (tracks->list[i].used && &tracks->list[i] != track &&
                    distance(&tracks->list[i], found, time_ns) < away)
                        return true;
        return false;
}

struct match {
        struct track *track; /* NULL: none is left */
        size_t found;
};

/* The nearest pair that is still free. */
static struct match nearest(struct tracks *tracks, const struct face_view *view, const struct found *found,
                            size_t count, const bool *track_taken, const bool *found_taken)
{
        struct match best = {NULL};
        float least = INFINITY;

        for (int i = 0; i < FACES_MAX; i++)
                for (size_t k = 0; k < count; k++) {
                        struct track *track = &tracks->list[i];
                        if (!track->used || track_taken[i] || found_taken[k] || (view->face && !found[k].sure) ||
                            (view->face && track->face.id != view->face))
                                continue;
                        const float away = distance(track, &found[k], view->time_ns);
                        if (away < least && !(view->face && is_anothers(tracks, track, &found[k], view->time_ns))) {
                                least = away;
                                best = (struct match){track, k};
                        }
                }
        return best;
}

/* ---- what is known of one ---- */

static float clamped(float value)
{
        return fminf(fmaxf(value, 0), 1);
}

static struct face_box box_of(const struct tracks *tracks, const struct found *found)
{
        const float left = clamped(found->left / tracks->width), right = clamped(found->right / tracks->width);
        const float top = clamped(found->top / tracks->height), bottom = clamped(found->bottom / tracks->height);

        return (struct face_box){left, top, right - left, bottom - top};
}

static bool at_edge(const struct tracks *tracks, const struct found *found)
{
        const float x = 0.005f * tracks->width, y = 0.005f * tracks->height;

        return found->left < x || found->top < y || found->right > tracks->width - x ||
               found->bottom > tracks->height - y;
}

static bool is_rough(const struct found *found)
{
        return found->area < ROUGH_AREA;
}

static float roll_of(const struct found *found)
{
        const float roll = found->upright.roll;

        return is_rough(found) ? copysignf(fmaxf(fabsf(roll) - ROUGH_ROLL, 0), roll) : roll;
}

/* `shape`: also its size and how it is turned. */
static void move(const struct tracks *tracks, struct track *track, const struct found *found, bool shape,
                 uint64_t time_ns)
{
        const struct upright *at = &found->upright;
        const float size = sqrtf(at->width * at->height);
        struct upright *now = &track->upright;

        now->x = steady_filter(&track->x, at->x, size, time_ns);
        now->y = steady_filter(&track->y, at->y, size, time_ns);
        if (shape) {
                now->width = steady_filter(&track->width, at->width, size, time_ns);
                now->height = steady_filter(&track->height, at->height, size, time_ns);
                now->roll = steady_filter(&track->roll, roll_of(found), 60, time_ns);
        }
        track->face.upright = (struct face_upright){
                .x = now->x / tracks->width,
                .y = now->y / tracks->height,
                .width = now->width / tracks->width,
                .height = now->height / tracks->height,
                .roll = now->roll,
        };
}

static void follow_motion(struct motion *motion, const struct face_view *view, const struct found *found)
{
        const struct upright *at = &found->upright;
        const float since = seconds(motion->last[view->look].time_ns, view->time_ns);

        if (motion->last[view->look].time_ns && since > 0) {
                const float weight = fminf(since / MOTION_SECONDS, 1);
                motion->x += weight * ((at->x - motion->last[view->look].x) / since - motion->x);
                motion->y += weight * ((at->y - motion->last[view->look].y) / since - motion->y);
        }
        motion->last[view->look].x = at->x;
        motion->last[view->look].y = at->y;
        motion->last[view->look].time_ns = view->time_ns;
}

bool track_moves(const struct track *track)
{
        return hypotf(track->motion.x, track->motion.y) > MOVES * sqrtf(track->width.value * track->height.value);
}

/* `scale`: of the view, the side of its pixels. */
static bool has_moved(const struct track *track, const struct found *found, float scale)
{
        const struct upright *at = &track->upright;

        return hypotf(found->upright.x - at->x, found->upright.y - at->y) >
               fmaxf(MOVED * fmaxf(at->width, at->height), MOVED_PIXELS * scale);
}

static void see(struct tracks *tracks, struct track *track, const struct face_view *view, const struct found *found)
{
        const float(*row)[3] = view->to_picture;
        const float scale = hypotf(row[0][0], row[1][0]);

        const bool has_view = !view->face && track->sure_ns && track->face.viewed_ns;
        const uint64_t age_ns = view->time_ns - track->face.viewed_ns;
        const bool has_own = has_view && age_ns < OWN_VIEW_NS && !has_moved(track, found, scale);
        const bool has_shape = has_view && age_ns < OWN_SHAPE_NS && is_rough(found);

        track->face.seen_ns = view->time_ns;
        if (view->face)
                track->face.viewed_ns = view->time_ns;
        if (found->sure)
                track->sure_ns = view->time_ns;
        const bool hidden = !has_own && track->x.time_ns && note_hidden(tracks, track, found, view->time_ns);
        if (found->sure && !hidden)
                follow_motion(&track->motion, view, found);
        if (has_own || hidden)
                return;
        move(tracks, track, found, !has_shape, view->time_ns);
        if (track->sure_ns && !found->sure)
                return;
        track->face.box = box_of(tracks, found);
        track->face.confidence = found->confidence;
        for (int i = 0; i < FACE_CLASSES_MAX; i++)
                track->face.areas[i] = (uint64_t)(found->areas[i] + 0.5);
        measure(found, scale, at_edge(tracks, found), &track->habits, track->face.answers);
}

/* ---- coming and going ---- */

/* A free place; a sure face may also replace one that only looks like a face from afar. */
static struct track *place_for(struct tracks *tracks, const struct found *found)
{
        struct track *unsure = NULL;

        for (int i = 0; i < FACES_MAX; i++) {
                if (!tracks->list[i].used)
                        return &tracks->list[i];
                if (!tracks->list[i].sure_ns)
                        unsure = &tracks->list[i];
        }
        return found->sure ? unsure : NULL;
}

static void begin(struct tracks *tracks, const struct face_view *view, const struct found *found)
{
        struct track *track = place_for(tracks, found);

        if (!track)
                return;
        *track = (struct track){.used = true, .face = {.id = ++tracks->last_id, .since_ns = view->time_ns}};
        see(tracks, track, view, found);
}

/* Whether a view that does not show a face tells that it is not there.  Views of other faces and parts do not, nor does
 * the whole picture if it never showed the face, which has been looked at from nearer. */
static bool would_show(const struct track *track, const struct face_view *view)
{
        if (view->look != LOOK_WHOLE)
                return view->look == LOOK_FACE && view->face == track->face.id;
        return track->motion.last[LOOK_WHOLE].time_ns || view->time_ns - track->face.viewed_ns >= NEAR_NS;
}

/* However rarely there is time for a look at a face, it is gone only once that was in vain for long enough.  A search
 * only says where to look: none is present before it has been seen otherwise. */
static void leave(const struct tracks *tracks, struct track *track, const struct face_view *view)
{
        const uint64_t now = view->time_ns;

        if (track->sure_ns == now)
                track->missed_ns = 0;
        else if (!track->missed_ns && would_show(track, view))
                track->missed_ns = now;
        if (track->born ? track->missed_ns && now - track->missed_ns >= tracks->gone_ns
                        : now - track->face.seen_ns >= (track->missed_ns ? DOUBT_NS : NEAR_NS))
                track->used = false;
        else if (view->look != LOOK_SEARCH && track->sure_ns == now && now - track->face.since_ns >= tracks->born_ns)
                track->born = true;
}

static float iou(const struct face_box *a, const struct face_box *b)
{
        const float width = fminf(a->left + a->width, b->left + b->width) - fmaxf(a->left, b->left);
        const float height = fminf(a->top + a->height, b->top + b->height) - fmaxf(a->top, b->top);
        const float both = fmaxf(width, 0) * fmaxf(height, 0);

        return both / (a->width * a->height + b->width * b->height - both);
}

static const struct track *older_in_place(const struct tracks *tracks, const struct track *track)
{
        for (int i = 0; i < FACES_MAX; i++) {
                const struct track *other = &tracks->list[i];
                if (other->used && other->face.id < track->face.id &&
                    iou(&other->face.box, &track->face.box) >= SAME_IOU)
                        return other;
        }
        return NULL;
}

/* Two that stay in the same place are one face: the older remains.  They may overlap for a moment, when people cross.
 */
static void merge(struct tracks *tracks, uint64_t now)
{
        for (int i = 0; i < FACES_MAX; i++) {
                struct track *track = &tracks->list[i];

                if (!track->used || !older_in_place(tracks, track))
                        track->shadow_ns = 0;
                else if (track->shadow_ns == 0)
                        track->shadow_ns = now;
                else if (now - track->shadow_ns >= SAME_NS)
                        track->used = false;
        }
}

/* Whether what was found in a part of the picture reaches an edge of that part, within the picture. */
static bool is_cut(const struct tracks *tracks, const struct face_view *view, const struct found *found)
{
        const float near = 1.5f * view->to_picture[0][0];
        float left, top, right, bottom;

        view_to_picture(view, 1, 1, &left, &top);
        view_to_picture(view, view->width - 1, view->height - 1, &right, &bottom);
        return (left > near && found->left < left) || (top > near && found->top < top) ||
               (right < tracks->width - near && found->right > right) ||
               (bottom < tracks->height - near && found->bottom > bottom);
}

bool tracks_update(struct tracks *tracks, const struct face_view *view, const struct found *found, size_t count)
{
        bool track_taken[FACES_MAX] = {false}, found_taken[FACES_MAX] = {false}, lost = false;
        struct match match;

        for (size_t k = 0; k < count && view->look == LOOK_SEARCH; k++)
                found_taken[k] = is_cut(tracks, view, &found[k]);
        while ((match = nearest(tracks, view, found, count, track_taken, found_taken)).track) {
                track_taken[match.track - tracks->list] = found_taken[match.found] = true;
                if (view->look != LOOK_SEARCH || match.track->missed_ns)
                        see(tracks, match.track, view, &found[match.found]);
        }
        for (int i = 0; i < FACES_MAX; i++) {
                struct track *track = &tracks->list[i];
                if (!track->used || !view->face || track->face.id != view->face || track_taken[i])
                        continue;
                lost |= track->sure_ns != 0;
                track->face.viewed_ns = track->doubted_ns = view->time_ns;
        }
        for (size_t k = 0; k < count && !view->face; k++)
                if (!found_taken[k])
                        begin(tracks, view, &found[k]);
        for (int i = 0; i < FACES_MAX; i++)
                if (tracks->list[i].used)
                        leave(tracks, &tracks->list[i], view);
        merge(tracks, view->time_ns);
        return lost;
}

/* How far the speed is believed, from 0 to 1; gradually, so that the place does not jump. */
static float certainty(const struct track *track)
{
        const float slow = MOVES * sqrtf(track->width.value * track->height.value);

        return slow > 0 ? clamped(hypotf(track->motion.x, track->motion.y) / slow - 1) : 0;
}

size_t tracks_places(const struct tracks *tracks, uint64_t time_ns, struct face_place ret[FACES_MAX])
{
        size_t count = 0;

        for (int i = 0; i < FACES_MAX; i++) {
                const struct track *track = &tracks->list[i];
                const float since = fminf(seconds(track->x.time_ns, time_ns), PLACE_SECONDS) * certainty(track);

                if (track->used && track->sure_ns)
                        ret[count++] = (struct face_place){
                                .id = track->face.id,
                                .x = track->x.value + track->motion.x * since,
                                .y = track->y.value + track->motion.y * since,
                                .size = sqrtf(track->width.value * track->height.value),
                                .measured_ns = track->x.time_ns,
                        };
        }
        return count;
}

bool tracks_know(const struct tracks *tracks, uint32_t id)
{
        for (int i = 0; i < FACES_MAX; i++)
                if (tracks->list[i].used && tracks->list[i].born && tracks->list[i].face.id == id)
                        return true;
        return false;
}

size_t tracks_list(const struct tracks *tracks, struct face ret[FACES_MAX])
{
        size_t count = 0;
        uint32_t after = 0;

        /* Oldest first: ids are given in order of time. */
        for (;;) {
                const struct track *next = NULL;
                for (int i = 0; i < FACES_MAX; i++) {
                        const struct track *track = &tracks->list[i];
                        if (track->used && track->born && track->face.id > after &&
                            (!next || track->face.id < next->face.id))
                                next = track;
                }
                if (!next)
                        return count;
                ret[count++] = next->face;
                after = next->face.id;
        }
}
