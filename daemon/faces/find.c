#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/faces/axes.h"
#include "daemon/faces/find.h"
#include "daemon/faces/head.h"
#include "daemon/faces/runs.h"
#include "daemon/faces/view.h"

enum { PIECES_MAX = 64 }; /* pieces of a label map that are examined: the largest ones */

/* The least size of a piece, in pixels of the network's input: smaller ones are noise. */
#define AREA_LEAST 20
/* The same of a face, whose parts must be distinguishable. */
#define FACE_LEAST 40

struct finder {
        enum role roles[FACE_CLASSES_MAX];
        uint8_t of_face[256]; /* whether a class is a part of a face */
        uint32_t width, height;
        struct row_run *runs;
        struct found pieces[PIECES_MAX];
        uint32_t piece_runs[PIECES_MAX]; /* the run that represents each */
        size_t piece_count;
};

int finder_new(const enum role roles[FACE_CLASSES_MAX], uint32_t width, uint32_t height, struct finder **ret)
{
        struct finder *finder = calloc(1, sizeof *finder);

        if (!finder)
                return -ENOMEM;
        memcpy(finder->roles, roles, sizeof finder->roles);
        for (int i = 0; i < FACE_CLASSES_MAX; i++)
                finder->of_face[i] = roles[i] > ROLE_NONE && roles[i] < ROLE_FACE;
        finder->width = width;
        finder->height = height;
        finder->runs = calloc(((size_t)width + 1) / 2 * height, sizeof *finder->runs);
        if (!finder->runs) {
                finder_free(finder);
                return -ENOMEM;
        }
        *ret = finder;
        return 0;
}

void finder_free(struct finder *finder)
{
        if (finder)
                free(finder->runs);
        free(finder);
}

/* ---- pieces ---- */

static void grow(struct found *piece, const struct face_view *view, const struct row_run *run)
{
        for (int corner = 0; corner < 4; corner++) {
                float x, y;

                view_to_picture(view, corner & 1 ? run->to : run->from, run->y + (corner >> 1), &x, &y);
                piece->left = fminf(piece->left, x);
                piece->right = fmaxf(piece->right, x);
                piece->top = fminf(piece->top, y);
                piece->bottom = fmaxf(piece->bottom, y);
        }
}

/* A single pixel of a class in a row is noise: it counts as the skin around it. */
static enum role role_at(const struct finder *finder, const uint8_t *row, const struct row_run *run, uint32_t x)
{
        const bool alone = (x == run->from || row[x - 1] != row[x]) && (x + 1 == run->to || row[x + 1] != row[x]);

        return alone ? ROLE_SKIN : finder->roles[row[x]];
}

static void add_run(struct finder *finder, struct found *piece, const struct face_view *view, const struct row_run *run)
{
        const uint8_t *row = view->labels + (size_t)run->y * view->width;

        for (uint32_t x = run->from; x < run->to; x++) {
                float at_x, at_y;

                view_to_picture(view, x + 0.5f, run->y + 0.5f, &at_x, &at_y);
                patch_add(&piece->patches[role_at(finder, row, run, x)], at_x, at_y);
        }
        piece->area += run->to - run->from;
        grow(piece, view, run);
}

/* When all places are taken, larger pieces replace the smallest. */
static void give_place(struct finder *finder, struct row_run *runs, uint32_t run)
{
        size_t k = finder->piece_count;

        if (runs[run].pixels < AREA_LEAST)
                return;
        if (k < PIECES_MAX) {
                finder->piece_count++;
        } else {
                k = 0;
                for (size_t i = 1; i < PIECES_MAX; i++)
                        if (runs[finder->piece_runs[i]].pixels < runs[finder->piece_runs[k]].pixels)
                                k = i;
                if (runs[finder->piece_runs[k]].pixels >= runs[run].pixels)
                        return;
                runs[finder->piece_runs[k]].place = PIECES_MAX;
        }
        finder->piece_runs[k] = run;
        runs[run].place = k;
}

static void collect(struct finder *finder, const struct face_view *view, size_t count)
{
        struct row_run *runs = finder->runs;

        finder->piece_count = 0;
        for (size_t i = 0; i < count; i++) {
                runs[i].place = PIECES_MAX;
                if (runs[i].piece == i)
                        give_place(finder, runs, i);
        }
        for (size_t k = 0; k < finder->piece_count; k++)
                finder->pieces[k] =
                        (struct found){.left = INFINITY, .top = INFINITY, .right = -INFINITY, .bottom = -INFINITY};
        for (size_t i = 0; i < count; i++)
                if (runs[runs[i].piece].place < PIECES_MAX)
                        add_run(finder, &finder->pieces[runs[runs[i].piece].place], view, &runs[i]);
}

/* ---- what is a face ---- */

/* The groups of parts, from the top of a face to its bottom, and how far each lies below the one above, relative to the
 * face's size (the square root of its area). */
enum { UPPER, MIDDLE, LOWER, GROUPS };
#define APART_LEAST 0.08f
#define APART_MOST 1.2f
/* Shares of a face's area: the limits for a group, and the least for skin. */
#define GROUP_LEAST 0.002
#define GROUP_MOST 0.5
#define SKIN_SHARE_LEAST 0.3
/* How far a face may be tilted, in degrees. */
#define ROLL_MOST 70

struct groups {
        struct patch patch[GROUPS];
        bool there[GROUPS];
        unsigned count;
};

static struct groups group(const struct found *piece)
{
        struct groups groups = {
                .patch = {patch_sum(piece->patches, ROLE_LEFT_BROW, ROLE_GLASSES), piece->patches[ROLE_NOSE],
                          patch_sum(piece->patches, ROLE_LIPS, ROLE_MOUTH)},
        };

        for (int i = 0; i < GROUPS; i++) {
                const double share = groups.patch[i].area / piece->area;
                groups.there[i] = groups.patch[i].area >= 2 && share >= GROUP_LEAST && share <= GROUP_MOST;
                groups.count += groups.there[i];
        }
        return groups;
}

/* From the direction that is down: from the highest group to the lowest; or, more exactly, at a right angle to the line
 * between the eyes. */
static float roll_of(const struct found *piece, const struct groups *groups)
{
        const struct patch *left = &piece->patches[ROLE_LEFT_EYE], *right = &piece->patches[ROLE_RIGHT_EYE];
        const int first = groups->there[UPPER] ? UPPER : MIDDLE, last = groups->there[LOWER] ? LOWER : MIDDLE;
        const float down_x = patch_x(&groups->patch[last]) - patch_x(&groups->patch[first]);
        const float down_y = patch_y(&groups->patch[last]) - patch_y(&groups->patch[first]);
        const float down = DEGREES(atan2f(-down_x, down_y));

        if (left->area < 2 || right->area < 2)
                return down;
        float across_x = patch_x(left) - patch_x(right), across_y = patch_y(left) - patch_y(right);
        if (across_x * down_y - across_y * down_x < 0) { /* the network has confused left and right */
                across_x = -across_x;
                across_y = -across_y;
        }
        const float across = DEGREES(atan2f(across_y, across_x));
        return fabsf(across - down) < 25 ? across : down;
}

/* Each group lies below the one before it, neither too near nor too far. */
static bool in_order(const struct found *piece, const struct groups *groups, float scale)
{
        const float size = sqrtf((float)piece->area * scale);
        const struct axes axes = axes_of(piece->roll);
        const struct patch *above = NULL;

        for (int i = 0; i < GROUPS; i++) {
                if (!groups->there[i])
                        continue;
                if (above) {
                        const float x = patch_x(&groups->patch[i]) - patch_x(above),
                                    y = patch_y(&groups->patch[i]) - patch_y(above);
                        const float down = below(&axes, x, y), beside = across(&axes, x, y);
                        if (down < APART_LEAST * size || down > APART_MOST * size || fabsf(beside) > 0.5f * size)
                                return false;
                }
                above = &groups->patch[i];
        }
        return true;
}

static bool is_face(struct found *piece, const struct face_view *view)
{
        const struct groups groups = group(piece);

        if (groups.count < 2 || piece->area < FACE_LEAST ||
            piece->patches[ROLE_SKIN].area < SKIN_SHARE_LEAST * piece->area)
                return false;
        piece->roll = roll_of(piece, &groups);
        if (fabsf(piece->roll) > ROLL_MOST || !in_order(piece, &groups, view_pixel_area(view)))
                return false;
        const bool eyes = piece->patches[ROLE_LEFT_EYE].area && piece->patches[ROLE_RIGHT_EYE].area;
        piece->sure = true;
        piece->confidence = (groups.count == GROUPS ? 0.85f : 0.6f) + (eyes ? 0.15f : 0);
        return true;
}

/* ---- what may be one ---- */

/* A small, compact piece: a face that is far away shows no parts. */
#define MAYBE_MOST 1500
#define MAYBE_FILLED 0.4f
#define MAYBE_TALL 2.5f
/* It must have this much hair, hat or glasses, in proportion to its area. */
#define MAYBE_HEAD 0.15

static bool may_be_face(struct found *piece, const struct face_view *view)
{
        const float width = piece->right - piece->left, height = piece->bottom - piece->top;

        if (view->look == LOOK_FACE || piece->area > MAYBE_MOST || height > MAYBE_TALL * width ||
            width > 1.5f * height || piece->area * view_pixel_area(view) < MAYBE_FILLED * width * height)
                return false;
        piece->roll = 0;
        piece->confidence = 0.3f;
        return true;
}

static bool has_head(const struct found *piece, const struct face_view *view)
{
        return piece->head[ROLE_HAIR] + piece->head[ROLE_HAT] + piece->head[ROLE_GLASSES] >=
               MAYBE_HEAD * piece->area * view_pixel_area(view);
}

/* ---- its boxes ---- */

struct extent {
        float least, most;
};

static void extend(struct extent *extent, float value)
{
        extent->least = fminf(extent->least, value);
        extent->most = fmaxf(extent->most, value);
}

static void turn_upright(const struct finder *finder, struct found *piece, const struct face_view *view, size_t count)
{
        const struct axes axes = axes_of(piece->roll);
        struct extent wide = {INFINITY, -INFINITY}, high = {INFINITY, -INFINITY};

        for (size_t i = 0; i < count; i++) {
                const struct row_run *run = &finder->runs[i];
                const uint32_t place = finder->runs[run->piece].place;
                if (place >= PIECES_MAX || &finder->pieces[place] != piece)
                        continue;
                for (int corner = 0; corner < 4; corner++) {
                        float x, y;
                        view_to_picture(view, corner & 1 ? run->to : run->from, run->y + (corner >> 1), &x, &y);
                        extend(&wide, across(&axes, x, y));
                        extend(&high, below(&axes, x, y));
                }
        }
        const float u = (wide.least + wide.most) / 2, v = (high.least + high.most) / 2;
        piece->upright = (struct upright){
                .x = axes.across_x * u + axes.down_x * v,
                .y = axes.across_y * u + axes.down_y * v,
                .width = wide.most - wide.least,
                .height = high.most - high.least,
                .roll = piece->roll,
        };
}

/* Sure ones first, then by size. */
static int by_rank(const void *a, const void *b)
{
        const struct found *x = a, *y = b;

        if (x->sure != y->sure)
                return (x->sure < y->sure) - (x->sure > y->sure);
        return (x->area < y->area) - (x->area > y->area);
}

/* Moves the pieces that are, or may be, faces to the beginning.  Returns their number. */
static size_t sort_out(struct finder *finder, const struct face_view *view, size_t runs)
{
        struct found *pieces = finder->pieces;
        size_t count = 0;

        for (size_t i = 0; i < finder->piece_count; i++)
                if (is_face(&pieces[i], view) || may_be_face(&pieces[i], view))
                        turn_upright(finder, &pieces[i], view, runs);
                else
                        pieces[i].area = 0;
        qsort(pieces, finder->piece_count, sizeof *pieces, by_rank);
        while (count < finder->piece_count && count < FACES_MAX && pieces[count].area > 0)
                count++;
        return count;
}

size_t finder_run(struct finder *finder, const struct face_view *view, struct found ret[FACES_MAX])
{
        const size_t runs = runs_connect(view->labels, view->width, view->height, finder->of_face, finder->runs);
        size_t count = 0;

        collect(finder, view, runs);
        const size_t candidates = sort_out(finder, view, runs);
        if (candidates)
                heads_measure(finder->roles, view, finder->pieces, candidates);
        for (size_t i = 0; i < candidates; i++)
                if (finder->pieces[i].sure || has_head(&finder->pieces[i], view))
                        ret[count++] = finder->pieces[i];
        return count;
}
