/* A camera whose frames take time to convert (Motion JPEG, conversions by libv4l2).  A thread converts them, so that
 * camera_next() does not have to. */
#pragma once

#include "v4l2/camera-kind.h"

/* A frame that takes longer is dropped, because there are newer ones by then. */
#define THREADED_BUDGET_NS 250000000ull

/* *ret takes the place of `inner` and owns it.  If this fails (-ENOMEM, -EMFILE, ...), `inner` is closed. */
int threaded_open(struct camera *inner, struct camera **ret);
