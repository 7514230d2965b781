/* JPEG pictures to Y'CbCr 4:2:2 planes: what an MJPEG camera's frames become. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jpeg;

/* `width` even.  Everything that decoding needs of ours is allocated here. */
int jpeg_new(uint32_t width, uint32_t height, struct jpeg **ret);
void jpeg_free(struct jpeg *jpeg);

/* Decodes into a packed 422P frame of that size, whatever the picture's subsampling; full range.
 * `data` must not change meanwhile: it is read twice, and sizes must agree.  Nothing is kept of the pictures before.
 * -EBADMSG: not a whole, undamaged Y'CbCr or grey JPEG of that size; -ENOMEM; `frame` is then undefined. */
int jpeg_decode(struct jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *frame);

/* True where TurboJPEG's last complaint about `handle` (a tjhandle) leaves the picture whole. */
bool jpeg_complaint_is_harmless(void *handle);
