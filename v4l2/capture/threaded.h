/* A camera whose frames take time to become usable (Motion JPEG, conversions of libv4l2): a thread makes them so, that
 * camera_next() need not. */
#pragma once

#include "v4l2/camera-kind.h"

/* A frame that takes longer is dropped: newer ones are there by then. */
#define THREADED_BUDGET_NS 250000000ull

/* Takes the place of `inner`, which is closed with it, and even if this fails.  -ENOMEM, -EMFILE, ... */
int threaded_open(struct camera *inner, struct camera **ret);
