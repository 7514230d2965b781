/* The rest of the head: what belongs to a face but lies around it. */
#pragma once

#include "daemon/faces/find.h"

/* Fills `areas` and `head` of all faces: each pixel counts for one at most. */
void heads_measure(const enum role roles[FACE_CLASSES_MAX], const struct face_view *view, struct found *faces,
                   size_t count);
