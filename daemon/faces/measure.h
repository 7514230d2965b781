/* What a face does: answers to questions, from the geometry of its parts. */
#pragma once

#include "daemon/faces/find.h"

/* What is remembered about a face for this. */
struct habits {
        float eye_open[2]; /* how far each is when it is open, relative to its width: about the median; 0: not known yet
                            */
        float eye_area[2]; /* and its share of the face */
        unsigned looks;    /* at them */
};

/* `scale`: the side of a label's pixel, in the picture's pixels.  `cut`: the face reaches an edge of the picture.
 * `answers` are those of the previous frame, and stay where this one is not clear. */
void measure(const struct found *found, float scale, bool cut, struct habits *habits,
             enum face_answer answers[FACE_QUESTIONS]);
