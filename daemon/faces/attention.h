/* Where the network looks next. */
#pragma once

#include "daemon/faces/track.h"

struct attention {
        uint32_t width, height, view_width, view_height, most;
        bool whole_wanted;  /* nothing is known, or a face was lost */
        uint64_t whole_ns;  /* when the whole picture was last seen */
        unsigned views;     /* of parts, since then */
        uint64_t search_ns; /* when a part was last searched, or, before the first time, all was begun */
        unsigned searches;
};

void attention_init(struct attention *attention, const struct faces_options *options);
void attention_reset(struct attention *attention);
void attention_saw(struct attention *attention, struct tracks *tracks, const struct face_view *view, bool lost);
void attention_next(const struct attention *attention, const struct tracks *tracks, uint64_t time_ns,
                    struct face_view *ret);
