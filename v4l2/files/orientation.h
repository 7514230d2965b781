/* How a camera was held when it took a JPEG picture, as the file's EXIF part tells. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "v4l2/files/picture.h"

/* EXIF's tag 0x0112, 1 to 8; 1, as it lies, where the file says nothing or nothing that can be understood. */
unsigned orientation_find(const uint8_t *jpeg, size_t size);

/* Turns and mirrors a picture until up is up.  -ENOMEM: it is as it was. */
int orientation_apply(unsigned orientation, struct picture *picture);
