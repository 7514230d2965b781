/* What a face is seen to do: answers to questions, from the geometry of its parts. */
#pragma once

#include "daemon/faces/find.h"

/* What is remembered of a face for it. */
struct habits {
        float eye_open[2]; /* how far each usually is, relative to its width; 0: not known yet */
        float eye_area[2]; /* and its share of the face */
};

/* `scale`: the picture's pixels of one of the labels, each way.  `cut`: the face reaches an edge of the picture.
 * `answers` are those of the frame before, and stay where this one is not clear. */
void measure(const struct found *found, float scale, bool cut, struct habits *habits,
             enum face_answer answers[FACE_QUESTIONS]);
