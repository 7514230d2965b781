#include <math.h>
#include <string.h>

#include "tests/daemon/faces/rig.h"

struct rig rig;

void begin_with(uint32_t most, const char *const *classes, uint32_t class_count)
{
        const struct faces_options options = {
                .classes = classes,
                .class_count = class_count,
                .width = WIDTH,
                .height = HEIGHT,
                .view_width = VIEW_WIDTH,
                .view_height = VIEW_HEIGHT,
                .most = most,
                .born_ns = BORN_MS * MS,
                .gone_ns = GONE_MS * MS,
        };

        rig = (struct rig){.now = 1000 * MS};
        assert_int_equal(faces_new(&options, &rig.faces), 0);
}

void begin(uint32_t most)
{
        begin_with(most, drawn_classes, drawn_class_count);
}

void end(void)
{
        faces_free(rig.faces);
}

void whole(float ret[2][3])
{
        const float scale = fmaxf((float)WIDTH / VIEW_WIDTH, (float)HEIGHT / VIEW_HEIGHT);

        memset(ret, 0, 6 * sizeof(float));
        ret[0][0] = ret[1][1] = scale;
        ret[0][2] = (WIDTH - scale * VIEW_WIDTH) / 2;
        ret[1][2] = (HEIGHT - scale * VIEW_HEIGHT) / 2;
}

void see(const struct face_view *view)
{
        faces_see(rig.faces, view);
        rig.count = faces_list(rig.faces, rig.list);
}

/* One label in a hundred is random. */
static void scatter(void)
{
        for (size_t i = 0; i < sizeof rig.labels; i++) {
                rig.random = rig.random * 1664525 + 1013904223;
                if (rig.random >> 16 & 1 && (rig.random >> 17) % 50 == 0)
                        rig.labels[i] = (rig.random >> 24) % drawn_class_count;
        }
}

void step(void)
{
        struct face_view view = {.labels = rig.labels, .width = VIEW_WIDTH, .height = VIEW_HEIGHT, .time_ns = rig.now};

        faces_next(rig.faces, rig.now, &view);
        if (view.look == LOOK_WHOLE)
                whole(view.to_picture);
        scene_draw(&rig.scene, &view, rig.labels);
        if (rig.translate)
                for (size_t i = 0; i < sizeof rig.labels; i++)
                        rig.labels[i] = rig.translate[rig.labels[i]];
        if (rig.noise)
                scatter();
        see(&view);
        rig.look = view.look;
        rig.viewed = view.face;
        memcpy(rig.to_picture, view.to_picture, sizeof rig.to_picture);
        rig.now += STEP_MS * MS;
}

void steps(unsigned count)
{
        while (count--)
                step();
}

float iou(const struct face_box *a, const struct face_box *b)
{
        const float width = fminf(a->left + a->width, b->left + b->width) - fmaxf(a->left, b->left);
        const float height = fminf(a->top + a->height, b->top + b->height) - fmaxf(a->top, b->top);
        const float both = fmaxf(width, 0) * fmaxf(height, 0);

        return both / (a->width * a->height + b->width * b->height - both);
}

void add(struct drawn face)
{
        rig.scene.faces[rig.scene.count++] = face;
}
