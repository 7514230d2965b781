/* What the network sees of each frame that is parsed: the whole picture, or one face as large as it was trained to see
 * it.  Faces are followed here (daemon/faces/faces.h); of the GPU this only knows the shape of its parameters. */
#pragma once

#include "daemon/faces/faces.h"
#include "model/model.h"
#include "shaders/image.h"

struct views_options {
        const struct model_info *model; /* with the input's size in use */
        uint32_t width, height;         /* of the picture */
        uint32_t faces_most;            /* as in struct faces_options */
        uint64_t born_ns, gone_ns;
};

/* A face's view, whose answers are in the map. */
struct views_kept {
        uint32_t face;      /* its id */
        uint64_t spared_ns; /* its time, if the view of the whole picture that was chosen last spared it, or 0 */
        uint64_t stands_ns; /* the same of the one that was taken last: so old may be what is in the map there */
        uint64_t time_ns;
        float from_picture[2][4];
};

struct views {
        struct faces *faces;
        struct gpu_view whole;
        struct face_view now; /* that the network looks at; `labels` are this struct's own */
        uint8_t *labels;
        struct views_kept kept[GPU_KEPT_MAX];
        uint64_t whole_ns; /* the time of the newest frame that was seen as a whole */
};

int views_init(struct views *views, const struct views_options *options); /* -ENOMEM; then finish what there is */
void views_finish(struct views *views);

/* Another camera or a cut: nothing is known. */
void views_reset(struct views *views);

#define VIEWS_KEEP_NS 1000000000 /* an older view of a face is worth less than a new one of the whole picture */

/* Chooses what the network will see of a frame.  `fresh`: its map is undefined.  `keep_ns`: a view of the whole picture
 * leaves those of faces alone that are not older.  0: all of the frame must be seen. */
void views_choose(struct views *views, uint64_t time_ns, bool fresh, uint64_t keep_ns, struct gpu_view *ret);

/* The time of the oldest frame of which there are answers in the map; 0: nothing is known. */
uint64_t views_oldest_ns(const struct views *views);

/* The answers for what was chosen last, of the network's input size (struct gpu_answers). */
void views_take(struct views *views, const uint32_t *answers);
