#include <math.h>

#include "daemon/faces/attention.h"
#include "daemon/faces/axes.h"

/* The whole picture is due after this many views of faces, or after this time: it alone shows bodies and hands. */
#define VIEWS_MOST 3
#define WHOLE_NS 300000000
/* A face's view is a square this many times as large as its box, as the network was trained. */
#define MARGIN 1.4f
/* A face gets views of its own if they show it at least this much larger than the whole picture does. */
#define GAIN_LEAST 1.4f
/* A view rests until the head has moved this far (in sides), has changed its size by this factor or has turned this far
 * (degrees). */
#define REST_MOVE 0.06f
#define REST_SIZE 1.12f
#define REST_ROLL 6
#define DOUBT_NS UINT64_C(3000000000)
/* A part of the picture is searched after this time, and after so many times that of a run.  While there is a face it
 * must not notice: if one run in 15 is a search, labels of what moves change by up to 6 % more from frame to frame. */
#define SEARCH_NS UINT64_C(1000000000)
#define SEARCH_RUNS 10
#define SEARCH_RUNS_BESIDE 30
/* How large such a part is, of the whole picture each way.  There are two each way, which overlap so far that each face
 * that the whole picture may not show (up to a seventh of its height) is within one of them, and shows it nearly twice
 * as large. */
#define SEARCH_SHARE 0.575f

void attention_init(struct attention *attention, const struct faces_options *options)
{
        *attention = (struct attention){
                .width = options->width,
                .height = options->height,
                .view_width = options->view_width,
                .view_height = options->view_height,
                .most = options->most,
        };
        attention_reset(attention);
}

void attention_reset(struct attention *attention)
{
        attention->whole_wanted = true;
        attention->whole_ns = 0;
        attention->views = 0;
        attention->search_ns = 0;
        attention->searches = 0;
}

/* ---- views ---- */

static float side_of(const struct track *track)
{
        return MARGIN * fmaxf(track->upright.width, track->upright.height);
}

/* The side of one of the view's pixels, in the picture's pixels. */
static float scale_of(const struct attention *attention, float side)
{
        return side / fminf(attention->view_width, attention->view_height);
}

/* A face that its own view did not show gets no other before the whole picture shows it again.  If it only ever looked
 * like a face from afar, it must also wait for DOUBT_NS. */
static bool is_doubted(const struct track *track)
{
        return track->doubted_ns && (track->doubted_ns >= track->face.seen_ns ||
                                     (!track->sure_ns && track->face.seen_ns - track->doubted_ns < DOUBT_NS));
}

/* The same of the whole picture. */
static float whole_scale(const struct attention *attention)
{
        return fmaxf((float)attention->width / attention->view_width,
                     (float)attention->height / attention->view_height);
}

static bool deserves_view(const struct attention *attention, const struct track *track)
{
        return track->used && !is_doubted(track) &&
               GAIN_LEAST * scale_of(attention, side_of(track)) <= whole_scale(attention);
}

static bool has_left(const struct track *track)
{
        const struct upright *at = &track->upright;
        const float side = side_of(track);

        return hypotf(at->x - track->rest[0], at->y - track->rest[1]) > REST_MOVE * side ||
               fmaxf(side / track->rest[2], track->rest[2] / side) > REST_SIZE ||
               fabsf(at->roll - track->rest[3]) > REST_ROLL;
}

static void settle(struct track *track)
{
        const struct upright *at = &track->upright;

        if (track->rest[2] > 0 && !has_left(track))
                return;
        track->rest[0] = at->x;
        track->rest[1] = at->y;
        track->rest[2] = side_of(track);
        track->rest[3] = at->roll;
}

static void view_of(const struct attention *attention, const struct track *track, struct face_view *ret)
{
        const struct axes axes = axes_of(track->rest[3]);
        const float scale = scale_of(attention, track->rest[2]), c = scale * axes.across_x, s = scale * axes.across_y;
        const float half_width = attention->view_width / 2.0f, half_height = attention->view_height / 2.0f;

        ret->look = LOOK_FACE;
        ret->face = track->face.id;
        ret->to_picture[0][0] = c;
        ret->to_picture[0][1] = -s;
        ret->to_picture[0][2] = track->rest[0] - c * half_width + s * half_height;
        ret->to_picture[1][0] = s;
        ret->to_picture[1][1] = c;
        ret->to_picture[1][2] = track->rest[1] - s * half_width - c * half_height;
}

/* Where a part of this length begins, of a side of the picture: at one of its ends, or centred if it is longer. */
static float part_begin(float side, float part, bool last)
{
        return side > part ? last * (side - part) : (side - part) / 2;
}

static void search(const struct attention *attention, struct face_view *ret)
{
        const float scale = SEARCH_SHARE * whole_scale(attention);
        const float width = scale * attention->view_width, height = scale * attention->view_height;

        ret->look = LOOK_SEARCH;
        ret->to_picture[0][0] = ret->to_picture[1][1] = scale;
        ret->to_picture[0][1] = ret->to_picture[1][0] = 0;
        ret->to_picture[0][2] = part_begin(attention->width, width, attention->searches & 1);
        ret->to_picture[1][2] = part_begin(attention->height, height, attention->searches & 2);
}

static void saw_whole(struct attention *attention, uint64_t time_ns)
{
        attention->views = 0;
        attention->whole_ns = time_ns;
        attention->whole_wanted = false;
        if (!attention->search_ns)
                attention->search_ns = time_ns;
}

void attention_saw(struct attention *attention, struct tracks *tracks, const struct face_view *view, bool lost)
{
        if (view->look == LOOK_WHOLE) {
                saw_whole(attention, view->time_ns);
        } else {
                attention->views++;
                attention->whole_wanted |= lost;
        }
        if (view->look == LOOK_SEARCH) {
                attention->search_ns = view->time_ns;
                attention->searches++;
        }
        for (int i = 0; i < FACES_MAX; i++)
                if (tracks->list[i].used)
                        settle(&tracks->list[i]);
}

/* ---- turns ---- */

/* Whether fewer than `most` others are larger: only the largest get views. */
static bool is_large(const struct attention *attention, const struct tracks *tracks, const struct track *track)
{
        uint32_t larger = 0;

        for (int i = 0; i < FACES_MAX; i++)
                larger += deserves_view(attention, &tracks->list[i]) && side_of(&tracks->list[i]) > side_of(track);
        return larger < attention->most;
}

static bool gets_views(const struct attention *attention, const struct tracks *tracks, const struct track *track)
{
        return deserves_view(attention, track) && is_large(attention, tracks, track);
}

/* The one that has waited longest goes first, a new one at once; of equals, the larger. */
static bool goes_first(const struct track *a, const struct track *b)
{
        return a->face.viewed_ns != b->face.viewed_ns ? a->face.viewed_ns < b->face.viewed_ns : side_of(a) > side_of(b);
}

/* While one of them moves, what is outside of their views does as well: then each gets only one. */
static unsigned views_most(const struct attention *attention, const struct tracks *tracks)
{
        unsigned faces = 0;
        bool moving = false;

        for (int i = 0; i < FACES_MAX; i++)
                if (gets_views(attention, tracks, &tracks->list[i])) {
                        moving |= tracks->list[i].sure_ns && track_moves(&tracks->list[i]);
                        faces++;
                }
        return moving && faces < VIEWS_MOST ? faces : VIEWS_MOST;
}

static bool any_face(const struct tracks *tracks, bool moving)
{
        for (int i = 0; i < FACES_MAX; i++) {
                const struct track *track = &tracks->list[i];
                if (track->used && track->sure_ns && (!moving || track_moves(track)))
                        return true;
        }
        return false;
}

/* Right after the whole picture, unless runs take so long that it would be due again. */
static bool search_due(const struct attention *attention, const struct tracks *tracks, uint64_t time_ns)
{
        const uint64_t run_ns = time_ns - attention->whole_ns, since_ns = time_ns - attention->search_ns;
        const unsigned runs = any_face(tracks, false) ? SEARCH_RUNS_BESIDE : SEARCH_RUNS;

        return attention->views == 0 && run_ns < WHOLE_NS && since_ns >= SEARCH_NS && since_ns >= runs * run_ns &&
               !any_face(tracks, true);
}

void attention_next(const struct attention *attention, const struct tracks *tracks, uint64_t time_ns,
                    struct face_view *ret)
{
        const struct track *next = NULL;

        ret->look = LOOK_WHOLE;
        ret->face = 0;
        if (attention->whole_wanted || attention->views >= views_most(attention, tracks) ||
            (attention->views > 0 && time_ns - attention->whole_ns >= WHOLE_NS))
                return;
        if (search_due(attention, tracks, time_ns)) {
                search(attention, ret);
                return;
        }
        for (int i = 0; i < FACES_MAX; i++) {
                const struct track *track = &tracks->list[i];
                if (gets_views(attention, tracks, track) && (!next || goes_first(track, next)))
                        next = track;
        }
        if (next)
                view_of(attention, next, ret);
}
