/* How the camera was held when it took a JPEG picture, according to the file's EXIF data. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "v4l2/files/picture.h"

/* EXIF tag 0x0112, 1 to 8.  1, unrotated, if there is none or it is invalid. */
unsigned orientation_find(const uint8_t *jpeg, size_t size);

/* Rotates and mirrors a picture so that it is upright.  -ENOMEM: it is unchanged. */
int orientation_apply(unsigned orientation, struct picture *picture);
