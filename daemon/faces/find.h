/* Finds faces in a label map: pieces of skin with the parts of a face in plausible places. */
#pragma once

#include "daemon/faces/faces.h"
#include "daemon/faces/patch.h"
#include "daemon/faces/roles.h"

/* The box that is turned with the head, in the picture's pixels. */
struct upright {
        float x, y, width, height, roll; /* as in struct face_upright */
};

/* A piece that is a face, or may be one. */
struct found {
        struct patch patches[ROLE_FACE]; /* by role */
        double area;                     /* of all of them, in the labels' pixels */
        float left, top, right, bottom;  /* in the picture's pixels */
        float roll;                      /* degrees */
        struct upright upright;
        bool sure; /* it has the parts of a face; else it is too far away to show any, and needs a closer view */
        float confidence;
        double areas[FACE_CLASSES_MAX]; /* of the head, in the picture's pixels */
        double head[ROLES];             /* the same by role */
};

struct finder;

int finder_new(const enum role roles[FACE_CLASSES_MAX], uint32_t width, uint32_t height, struct finder **ret);
void finder_free(struct finder *finder); /* NULL is fine */

/* `view` has the finder's size.  Returns their number: sure ones first, then by size. */
size_t finder_run(struct finder *finder, const struct face_view *view, struct found ret[FACES_MAX]);
