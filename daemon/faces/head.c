#include "daemon/faces/head.h"
#include "daemon/faces/view.h"

/* Hair, hats, ears and necks belong to the nearest face within this distance, in sizes of its box. */
#define REACH 1.1f

static struct found *nearest(struct found *faces, size_t count, float x, float y)
{
        struct found *best = NULL;
        float least = REACH;

        for (size_t i = 0; i < count; i++) {
                const struct upright *box = &faces[i].upright;
                const float across = fabsf(x - box->x) / box->width, down = fabsf(y - box->y) / box->height;
                const float distance = across > down ? across : down; /* fmaxf() would be a call, for each pixel */
                if (distance < least) {
                        least = distance;
                        best = &faces[i];
                }
        }
        return best;
}

void heads_measure(const enum role roles[FACE_CLASSES_MAX], const struct face_view *view, struct found *faces,
                   size_t count)
{
        const float scale = view_pixel_area(view);

        for (uint32_t y = 0; y < view->height; y++)
                for (uint32_t x = 0; x < view->width; x++) {
                        const uint8_t label = view->labels[(size_t)y * view->width + x];
                        const enum role role = roles[label];
                        float at_x, at_y;

                        if (role == ROLE_NONE)
                                continue;
                        view_to_picture(view, x + 0.5f, y + 0.5f, &at_x, &at_y);
                        struct found *face = nearest(faces, count, at_x, at_y);
                        if (!face)
                                continue;
                        face->areas[label] += scale;
                        face->head[role] += scale;
                }
}
