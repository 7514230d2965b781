/* What the network sees of each frame that is parsed: the whole picture, one face as large as it was trained to see it,
 * or a part that is searched for faces, of which nothing gets into the map.  Faces are followed here
 * (daemon/faces/faces.h).  This knows nothing about the GPU but the layout of its parameters. */
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

/* A face's view whose answers are in the map. */
struct views_kept {
        uint32_t face;      /* its id */
        uint64_t spared_ns; /* its time if the last chosen view of the whole picture leaves it alone; else 0 */
        uint64_t stands_ns; /* the same for the last taken one: answers there may be this old; 0: not spared */
        uint64_t time_ns;
        float from_picture[2][4];
};

struct views {
        struct faces *faces;
        struct gpu_view whole;
        struct face_view now; /* what the network looks at; `labels` belong to this struct */
        uint8_t *labels;
        struct views_kept kept[GPU_KEPT_MAX];
        struct face_place places[FACES_MAX]; /* of faces in the map, which moves with them by whole pixels */
        size_t place_count;
        uint64_t whole_ns; /* the time of the newest frame seen as a whole; 0: none */
};

int views_init(struct views *views, const struct views_options *options); /* -ENOMEM; then finish what there is */
void views_finish(struct views *views);

/* For another camera or a cut: forgets everything. */
void views_reset(struct views *views);

#define VIEWS_KEEP_NS 1000000000 /* an older view of a face is worth less than a new one of the whole picture */

/* Chooses what the network will see of a frame.  `fresh`: its map is undefined.  `keep_ns`: a view of the whole picture
 * leaves younger views of faces alone.  0: all of the frame must be seen. */
void views_choose(struct views *views, uint64_t time_ns, bool fresh, uint64_t keep_ns, struct gpu_view *ret);

/* The time of the oldest frame with answers in the map; 0: nothing is known. */
uint64_t views_oldest_ns(const struct views *views);

/* Takes the answers for the last chosen view, in the network's input size (struct gpu_answers). */
void views_take(struct views *views, const uint32_t *answers);
