/* Faces from frame to frame: which one is which, and when they come and go. */
#pragma once

#include "daemon/faces/find.h"
#include "daemon/faces/measure.h"
#include "daemon/faces/steady.h"

/* How fast a face moves.  Different kinds of views may disagree about where it is, if it is small or something is in
 * front of it; each is compared with the last of its kind. */
struct motion {
        struct {
                float x, y;
                uint64_t time_ns; /* 0: none yet */
        } last[LOOKS];
        float x, y; /* pixels per second */
};

struct track {
        bool used;
        bool born;           /* present: clients see it */
        uint64_t sure_ns;    /* when its parts were last seen; 0: never */
        uint64_t missed_ns;  /* since when it has been looked for in vain; 0: it has not */
        uint64_t shadow_ns;  /* since when an older one has been in the same place; 0: none is */
        uint64_t doubted_ns; /* when a view of its own showed no face; 0: never */
        struct face face;
        struct upright upright; /* the box that `face` has in [0,1] */
        struct habits habits;
        struct steady x, y, width, height, roll; /* of the upright box */
        struct motion motion;
        float rest[4]; /* the place of its view: centre, side, roll; side 0: none yet */
};

struct tracks {
        struct track list[FACES_MAX];
        uint32_t width, height;
        uint64_t born_ns, gone_ns;
        uint32_t last_id;
};

void tracks_init(struct tracks *tracks, const struct faces_options *options);
void tracks_reset(struct tracks *tracks); /* ids continue */

/* Takes what was found in a view.  Returns whether the face that the view is for is missing. */
bool tracks_update(struct tracks *tracks, const struct face_view *view, const struct found *found, size_t count);

bool track_moves(const struct track *track);
size_t tracks_places(const struct tracks *tracks, uint64_t time_ns, struct face_place ret[FACES_MAX]);
bool tracks_know(const struct tracks *tracks, uint32_t id);
size_t tracks_list(const struct tracks *tracks, struct face ret[FACES_MAX]);
