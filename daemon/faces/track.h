/* Faces from frame to frame: which one is which, when they come and go. */
#pragma once

#include "daemon/faces/find.h"
#include "daemon/faces/measure.h"
#include "daemon/faces/steady.h"

struct track {
        bool used;
        bool born;           /* told to others */
        uint64_t sure_ns;    /* when its parts were last seen; 0: never */
        uint64_t shadow_ns;  /* since when an older one is in the same place; 0: none is */
        uint64_t doubted_ns; /* when a view of its own showed no face; 0: never */
        struct face face;
        struct habits habits;
        struct steady x, y, width, height, roll; /* of the upright box */
        uint64_t viewed_ns;                      /* when a view was its own; 0: never */
        float rest[4];                           /* its view's place at rest: centre, side, roll; side 0: it has none */
};

struct tracks {
        struct track list[FACES_MAX];
        uint32_t width, height;
        uint64_t born_ns, gone_ns;
        uint32_t last_id;
};

void tracks_init(struct tracks *tracks, const struct faces_options *options);
void tracks_reset(struct tracks *tracks); /* ids continue */

/* What was found in a view.  Returns whether a face that should be in it is not. */
bool tracks_update(struct tracks *tracks, const struct face_view *view, const struct found *found, size_t count);

bool tracks_know(const struct tracks *tracks, uint32_t id);
size_t tracks_list(const struct tracks *tracks, struct face ret[FACES_MAX]);
