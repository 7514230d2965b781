/* Decodes JPEG pictures, such as the frames of an MJPEG camera, to Y'CbCr 4:2:2 planes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jpeg;

/* `width` must be even.  All memory of ours that decoding needs is allocated here. */
int jpeg_new(uint32_t width, uint32_t height, struct jpeg **ret);
void jpeg_free(struct jpeg *jpeg);

/* Decodes into a packed 422P frame of that size, whatever the picture's subsampling; full range.
 * `data` must not change meanwhile, because it is read twice, and the sizes must agree.  Nothing is kept from previous
 * pictures.  -EBADMSG: not a complete, undamaged Y'CbCr or grey JPEG of that size; -ENOMEM.  After an error `frame` is
 * undefined. */
int jpeg_decode(struct jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *frame);

/* Whether the picture is intact despite TurboJPEG's last warning about `handle` (a tjhandle). */
bool jpeg_complaint_is_harmless(void *handle);
