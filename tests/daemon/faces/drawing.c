#include <math.h>

#include "tests/daemon/faces/drawing.h"

enum {
        SKIN = 1,
        NOSE,
        GLASSES,
        LEFT_EYE,
        RIGHT_EYE,
        LEFT_BROW,
        RIGHT_BROW,
        MOUTH = 10,
        UPPER_LIP,
        LOWER_LIP,
        HAIR,
        HAT,
        CLOTH = 18
};

const char *const drawn_classes[] = {"background", "skin",      "nose",       "eyeglasses", "left eye",
                                     "right eye",  "left brow", "right brow", "left ear",   "right ear",
                                     "mouth",      "upper lip", "lower lip",  "hair",       "hat",
                                     "earring",    "necklace",  "neck",       "cloth",      "body"};
const uint32_t drawn_class_count = sizeof drawn_classes / sizeof drawn_classes[0];

struct drawn drawn_face(float x, float y, float height)
{
        return (struct drawn){.x = x, .y = y, .height = height, .eyes = {1, 1}};
}

static bool in_ellipse(float u, float v, float x, float y, float across, float down)
{
        const float a = (u - x) / across, b = (v - y) / down;

        return a * a + b * b <= 1;
}

/* At a place in the face's own coordinates, in heights from its centre.  -1: outside of the face. */
static int part_at(const struct drawn *face, float u, float v)
{
        const float turn = face->turn;

        if (face->masked && v > 0.17f)
                return CLOTH;
        if (in_ellipse(u, v, 1.6f * turn, 0.06f + face->nod, 0.05f, 0.1f))
                return NOSE;
        if (face->mouth > 0 && in_ellipse(u, v, turn, 0.25f, 0.09f, 0.06f * face->mouth))
                return MOUTH;
        if (in_ellipse(u, v, turn, 0.25f, 0.13f, 0.045f + 0.06f * face->mouth))
                return v < 0.25f ? UPPER_LIP : LOWER_LIP;
        for (int side = 0; side < 2; side++) {
                const float x = turn + (side ? -0.16f : 0.16f);
                if (face->eyes[side] > 0 && in_ellipse(u, v, x, -0.08f, 0.07f, 0.04f * face->eyes[side]))
                        return side ? RIGHT_EYE : LEFT_EYE;
                if (face->glasses && in_ellipse(u, v, x, -0.08f, 0.13f, 0.09f))
                        return GLASSES;
                if (in_ellipse(u, v, x, -0.17f, 0.09f, 0.02f))
                        return side ? RIGHT_BROW : LEFT_BROW;
        }
        return -1;
}

static int class_at(const struct drawn *face, float x, float y, bool with_parts)
{
        const float dx = (x - face->x) / face->height, dy = (y - face->y) / face->height;

        if (fabsf(dx) > 0.7f || dy < -0.7f)
                return -1;
        if (dy > 0.7f)
                return CLOTH;
        const float angle = face->roll / 57.29578f, c = cosf(angle), s = sinf(angle);
        const float u = c * dx + s * dy, v = c * dy - s * dx;
        if (!in_ellipse(u, v, 0, 0, 0.375f, 0.5f))
                return in_ellipse(u, v, 0, -0.1f, 0.47f, 0.58f) ? (face->hat && v < -0.2f ? HAT : HAIR)
                       : v > 0.5f                               ? CLOTH
                                                                : -1;
        const int part = with_parts && !face->faceless ? part_at(face, u, v) : -1;
        return part < 0 ? SKIN : part;
}

void scene_draw(const struct scene *scene, const struct face_view *view, uint8_t *labels)
{
        const float(*row)[3] = view->to_picture;
        const float scale = hypotf(row[0][0], row[1][0]);

        for (uint32_t n = 0; n < view->width * view->height; n++) {
                const float u = n % view->width + 0.5f, v = n / view->width + 0.5f;
                const float x = row[0][0] * u + row[0][1] * v + row[0][2],
                            y = row[1][0] * u + row[1][1] * v + row[1][2];

                labels[n] = 0;
                for (unsigned i = 0; i < scene->count; i++) {
                        const struct drawn *face = &scene->faces[i];
                        if (face->height < scene->seen_least * scale)
                                continue;
                        const int class = class_at(face, x, y, face->height >= scene->parts_least * scale);
                        if (class >= 0)
                                labels[n] = class;
                }
        }
}

struct face_box drawn_box(const struct drawn *face, float width, float height)
{
        const float angle = face->roll / 57.29578f, c = cosf(angle), s = sinf(angle);
        const float across = face->height * hypotf(0.375f * c, 0.5f * s),
                    down = face->height * hypotf(0.375f * s, 0.5f * c);
        const float left = fmaxf((face->x - across) / width, 0), right = fminf((face->x + across) / width, 1);
        const float top = fmaxf((face->y - down) / height, 0), bottom = fminf((face->y + down) / height, 1);

        return (struct face_box){left, top, right - left, bottom - top};
}
