#include <math.h>

#include "daemon/faces/axes.h"
#include "daemon/faces/measure.h"

/* An answer changes to YES above `yes` and to NO below `no`; in between it stays. */
struct limits {
        float no, yes;
};

static const struct limits eye_open = {0.45f, 0.6f};  /* relative to the usual value */
static const struct limits mouth = {0.10f, 0.18f};    /* the gap's share of the mouth */
static const struct limits glasses = {0.015f, 0.04f}; /* shares of the face */
static const struct limits hat = {0.05f, 0.15f};
static const struct limits sideways = {0.33f, 0.43f}; /* the nose, in half widths from the middle */
static const struct limits up = {0.42f, 0.34f};       /* the nose, from the eyes (0) to the mouth (1) */
static const struct limits down = {0.70f, 0.78f};

/* The eyes and mouth of a face less high than this, in pixels of the network's input, cannot be measured. */
#define HEIGHT_LEAST 40

static void decide(enum face_answer *answer, float value, struct limits limits)
{
        const bool rising = limits.yes > limits.no;

        if (rising ? value > limits.yes : value < limits.yes)
                *answer = FACE_YES;
        else if ((rising ? value < limits.no : value > limits.no) || *answer == FACE_UNKNOWN)
                *answer = FACE_NO;
}

/* ---- eyes ---- */

#define LITTLE 0.002f

/* A running median: it takes a step towards each value, however far that is; the first steps are larger.  Closed eyes
 * tell little of open ones. */
static void learn(float *usual, float value, unsigned looks, bool closed)
{
        const float step = fmaxf(0.03f, 0.3f / looks);

        if (*usual < LITTLE)
                *usual = value;
        else
                *usual *= 1 + (value > *usual ? step : closed ? -0.01f : -step);
}

static void eye(const struct found *found, int side, const struct axes *axes, struct habits *habits,
                enum face_answer *answer)
{
        const struct patch *patch = &found->patches[side ? ROLE_RIGHT_EYE : ROLE_LEFT_EYE];
        const float area = (float)(patch->area / found->area);
        const float width = patch->area >= 4 ? patch_spread(patch, axes->across_x, axes->across_y) : 0;
        const float open = width > 0 ? patch_spread(patch, axes->down_x, axes->down_y) / width : 0;

        learn(&habits->eye_area[side], area, habits->looks, *answer == FACE_NO);
        if (open > 0)
                learn(&habits->eye_open[side], open, habits->looks, *answer == FACE_NO);
        if (habits->eye_area[side] < LITTLE) { /* never seen, or not for a long time */
                *answer = FACE_UNKNOWN;
                return;
        }
        decide(answer, fminf(open / habits->eye_open[side], 1.5f * area / habits->eye_area[side]), eye_open);
}

/* ---- where the nose is ---- */

static void turned(const struct found *found, const struct axes *axes, enum face_answer *answers)
{
        const struct patch *nose = &found->patches[ROLE_NOSE];
        const struct patch eyes = patch_sum(found->patches, ROLE_LEFT_BROW, ROLE_GLASSES);
        const struct patch lips = patch_sum(found->patches, ROLE_LIPS, ROLE_MOUTH);

        if (nose->area < 2) {
                for (int i = FACE_TURNED_LEFT; i <= FACE_TURNED_DOWN; i++)
                        answers[i] = FACE_UNKNOWN;
                return;
        }
        const float x = patch_x(nose), y = patch_y(nose);
        const float side = 2 * across(axes, x - found->upright.x, y - found->upright.y) / found->upright.width;
        decide(&answers[FACE_TURNED_LEFT], side, sideways);
        decide(&answers[FACE_TURNED_RIGHT], -side, sideways);
        if (eyes.area < 2 || lips.area < 2) {
                answers[FACE_TURNED_UP] = answers[FACE_TURNED_DOWN] = FACE_UNKNOWN;
                return;
        }
        const float top = below(axes, patch_x(&eyes), patch_y(&eyes));
        const float bottom = below(axes, patch_x(&lips), patch_y(&lips));
        const float level = (below(axes, x, y) - top) / (bottom - top);
        decide(&answers[FACE_TURNED_UP], level, up);
        decide(&answers[FACE_TURNED_DOWN], level, down);
}

static void mouth_open(const struct found *found, enum face_answer *answer)
{
        const double gap = found->patches[ROLE_MOUTH].area, all = gap + found->patches[ROLE_LIPS].area;

        if (all < 4)
                *answer = FACE_UNKNOWN;
        else
                decide(answer, (float)(gap / all), mouth);
}

/* A face that is seen from the front has all of its parts, unless something is in front of them. */
static void covered(const struct found *found, bool cut, enum face_answer *answers)
{
        const bool parts = patch_sum(found->patches, ROLE_LEFT_BROW, ROLE_GLASSES).area >= 2 &&
                           found->patches[ROLE_NOSE].area >= 2 &&
                           patch_sum(found->patches, ROLE_LIPS, ROLE_MOUTH).area >= 2;
        const bool turned_away = answers[FACE_TURNED_LEFT] == FACE_YES || answers[FACE_TURNED_RIGHT] == FACE_YES;

        answers[FACE_COVERED] = parts ? FACE_NO : cut || turned_away ? FACE_UNKNOWN : FACE_YES;
}

void measure(const struct found *found, float scale, bool cut, struct habits *habits,
             enum face_answer answers[FACE_QUESTIONS])
{
        const struct axes axes = axes_of(found->roll);
        const bool large = found->upright.height >= HEIGHT_LEAST * scale;

        answers[FACE_CUT] = cut ? FACE_YES : FACE_NO;
        decide(&answers[FACE_GLASSES], (float)(found->patches[ROLE_GLASSES].area / found->area), glasses);
        decide(&answers[FACE_HAT], (float)(found->head[ROLE_HAT] / (found->area * scale * scale)), hat);
        turned(found, &axes, answers);
        covered(found, cut, answers);
        if (!large) {
                answers[FACE_LEFT_EYE_OPEN] = answers[FACE_RIGHT_EYE_OPEN] = answers[FACE_MOUTH_OPEN] = FACE_UNKNOWN;
                return;
        }
        habits->looks++;
        eye(found, 0, &axes, habits, &answers[FACE_LEFT_EYE_OPEN]);
        eye(found, 1, &axes, habits, &answers[FACE_RIGHT_EYE_OPEN]);
        mouth_open(found, &answers[FACE_MOUTH_OPEN]);
}
