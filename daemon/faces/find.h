/* Finds faces in a label map: pieces of skin with the parts of a face in plausible places. */
#pragma once

#include "daemon/faces/faces.h"
#include "daemon/faces/roles.h"

/* The pixels of a role in a piece, in the picture's coordinates: enough for their centre and their spread. */
struct patch {
        double area;             /* of the labels' pixels */
        double x, y, xx, xy, yy; /* sums */
};

/* A piece that is a face, or may be one. */
struct found {
        struct patch patches[ROLE_FACE]; /* by role */
        double area;                     /* of all of them, in the labels' pixels */
        float left, top, right, bottom;  /* in the picture's pixels */
        float roll;                      /* degrees */
        struct face_upright upright;
        bool sure; /* it has the parts of a face; else it is too far away to show any, and should be seen from nearer */
        float confidence;
        bool cut;                       /* by the edge of the labels */
        double areas[FACE_CLASSES_MAX]; /* of the head, in the picture's pixels */
        double head[ROLES];             /* the same by role */
};

struct finder;

int finder_new(const enum role roles[FACE_CLASSES_MAX], uint32_t width, uint32_t height, struct finder **ret);
void finder_free(struct finder *finder); /* NULL is fine */

/* `view` has the finder's size.  Returns their number: sure ones first, then by size. */
size_t finder_run(struct finder *finder, const struct face_view *view, struct found ret[FACES_MAX]);

/* Of a patch: its centre, and its spread (standard deviation) along a direction. */
float patch_x(const struct patch *patch);
float patch_y(const struct patch *patch);
float patch_spread(const struct patch *patch, float along_x, float along_y);
/* The sum of several. */
struct patch patch_sum(const struct patch *patches, unsigned first, unsigned last);
