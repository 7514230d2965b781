/* Chooses among a node's formats, sizes and rates. */
#pragma once

#include "v4l2/camera.h"

enum offer_way { OFFER_NATIVE, OFFER_MJPEG, OFFER_CONVERTED };

struct offer {
        enum offer_way way;
        uint32_t fourcc; /* to request from the driver; if converted, RGB3 of libv4l2 */
        uint32_t width, height;
        struct frame_rate rate; /* 0/0: the driver does not say */
        uint64_t cost;
};

#define NEGOTIATE_OFFERS_MAX 32

/* Best first: nearest in size, then fast enough, then cheapest to process; grey and libv4l2's conversions come last.
 * Returns how many there are, 0 if the node offers no format at all, or a negative errno from the driver. */
int negotiate(int fd, const struct camera_wish *wish, struct offer ret[NEGOTIATE_OFFERS_MAX]);
