/* Operators on pictures: from a camera's bytes to RGBA, combined with a label map, to a virtual camera's bytes. */
#pragma once

#include "shaders/gpu.h"

/* RGBA, 8 bits each, row after row without padding. */
struct gpu_image {
        struct gpu_buffer *buffer;
        uint32_t width, height;
};

/* One byte per pixel, its class; row after row without padding.  The buffer's size is rounded up to a multiple of 4. */
struct gpu_labels {
        struct gpu_buffer *buffer;
        uint32_t width, height;
};

/* One byte per pixel, how much of it belongs to a person (0 to 255: alpha); laid out as labels are. */
struct gpu_mask {
        struct gpu_buffer *buffer; /* gpu_labels_size() bytes */
        uint32_t width, height;
};

/* What the network says of each pixel, 4 bytes in a word: its class (label), how surely it belongs to any class but 0
 * (mask: 255 times the logistic function of the best of their logits minus that of class 0, so that it is above a half
 * where the label is not 0), how far the best logit is ahead of the second (in 32nds, at most 255), 0.  Row after
 * row. */
struct gpu_answers {
        struct gpu_buffer *buffer; /* gpu_image_size() bytes */
        uint32_t width, height;
};

/* Numbers that the host writes and an operator reads each time it runs, so that they can change without recording
 * anything again.  Write them only while no program that reads them is submitted. */
struct gpu_block {
        struct gpu_buffer *buffer; /* GPU_MEMORY_UPLOAD */
        uint64_t offset;           /* a multiple of GPU_BLOCK_ALIGN */
};
#define GPU_BLOCK_ALIGN 256

uint64_t gpu_image_size(uint32_t width, uint32_t height);
uint64_t gpu_labels_size(uint32_t width, uint32_t height);

enum gpu_color { GPU_COLOR_RGB, GPU_COLOR_BT601, GPU_COLOR_BT709 };

/* Where the three components (R G B, or Y Cb Cr) of pixel (x, y) lie among the bytes of a frame:
 * offset + (y >> shift_y) * stride + (x >> shift_x) * step.  A step of 0 means that the component is absent (grey). */
struct gpu_pixels {
        uint32_t width, height;
        enum gpu_color color;
        bool full_range;
        struct {
                uint32_t offset, stride, step, shift_x, shift_y;
        } component[3];
        uint32_t size; /* bytes of a frame; the buffer's size is this, rounded up to a multiple of 4 */
};

/* The matrix from the three components and 1 to R' G' B', and its inverse; all values are in 0..1.  Y'CbCr is that of
 * ITU-R BT.601 or BT.709. */
void gpu_pixels_to_rgb(const struct gpu_pixels *pixels, float ret[3][4]);
void gpu_pixels_from_rgb(const struct gpu_pixels *pixels, float ret[3][4]);

/* For both: a component's step is at most 4, and at most two pixels each way share a sample.  -EINVAL: one breaks this
 * rule, or there is no component at all.
 *
 * Bytes -> RGBA.  If the sizes differ, the picture is scaled to fit (bilinear) and centred, with black bars. */
int op_unpack(struct gpu_program *program, struct gpu_buffer *bytes, const struct gpu_pixels *pixels,
              const struct gpu_image *out);

/* RGBA -> bytes of the same size.  Chroma is the mean of the pixels that share it.  Bytes without a component are 0. */
int op_pack(struct gpu_program *program, const struct gpu_image *in, const struct gpu_pixels *pixels,
            struct gpu_buffer *bytes);

/* Moves a mask's edges to those of the picture (a guided filter), and pushes undecided values to 0 or 255.  All
 * sizes are equal; `out` is neither of the others. */
int op_guide(struct gpu_program *program, const struct gpu_image *image, const struct gpu_mask *in,
             struct gpu_buffer *scratch, const struct gpu_mask *out);
uint64_t gpu_guide_scratch_size(uint32_t width, uint32_t height);

/* The block of op_blur_background(). */
struct gpu_blur {
        float shift, radius, fall, unused;
};

/* A Gaussian of `sigma` pixels. */
struct gpu_blur gpu_blur_make(float sigma);

/* Blurs the background.  Only the background's own colours are mixed, so that no halo of the person leaks into it.
 * Where the mask is between 0 and 255, the background's share is first removed from the pixel's colour and then
 * replaced by the blurred background. `blur` is a struct gpu_blur with a sigma of at least `sigma_least`, which also
 * determines the size of `scratch`. `out` has the size of `in`; all are distinct. */
int op_blur_background(struct gpu_program *program, const struct gpu_image *in, const struct gpu_mask *mask,
                       const struct gpu_block *blur, float sigma_least, struct gpu_buffer *scratch,
                       const struct gpu_image *out);
uint64_t gpu_blur_scratch_size(uint32_t width, uint32_t height, float sigma_least);

#define GPU_PALETTE_SIZE 1024

/* Blends the colour of its class over each pixel, by the colour's alpha.  `palette`: GPU_PALETTE_SIZE bytes, 256 RGBA
 * colours.  All sizes are equal; `in` and `out` may be the same. */
int op_paint(struct gpu_program *program, const struct gpu_image *in, const struct gpu_labels *labels,
             const struct gpu_block *palette, const struct gpu_image *out);

/* A part of a picture that is seen as a whole, by the network or as a picture of its own; it may be rotated or flipped.
 * Both matrices have two rows, which apply to (x, y, 1); the last number of a row is unused.  Coordinates are in
 * pixels; (0.5, 0.5) is the centre of the first. */
struct gpu_region {
        float to_picture[2][4];   /* from the region's own coordinates */
        float from_picture[2][4]; /* the inverse */
};

/* `to_picture` must have an inverse. */
struct gpu_region gpu_region_make(const float to_picture[2][3]);

/* The region of `in` as a picture: bilinear, black outside of `in`.  `region` is a struct gpu_region.  The sizes may
 * differ; `in` and `out` may not be the same. */
int op_warp(struct gpu_program *program, const struct gpu_image *in, const struct gpu_block *region,
            const struct gpu_image *out);

enum { GPU_KEPT_MAX = 8 };

/* A face that may have moved, in the picture's pixels. */
struct gpu_moved {
        float x, y, size; /* where it is: its centre; the root of its box's area */
        float unused;
        float by_x, by_y; /* since the map was last written */
        float unused_too[2];
};

#define GPU_FEATHER_NOWHERE (-1)

/* The block of op_place(): a view of the picture that the network has answered for.  Feathers are in pixels of the
 * answers. */
struct gpu_view {
        struct gpu_region region;
        float feather; /* 0: it is the whole picture.  Else it shows a face upright in its middle, and counts fully
                        * where it is farther than that inside its edges, less towards them, and not at all where
                        * another face is nearer.  GPU_FEATHER_NOWHERE: it does not count; the map only moves */
        float memory;  /* how much the map's contents count, up to 1; less the older they are.  0: they are undefined,
                        * and what is outside the view becomes class 0 */
        float kept_count, kept_feather;
        float kept[GPU_KEPT_MAX][2][4]; /* from_picture of views of other faces: where they show those, what they
                                         * answered stays */
        float moved_count, unused[3];
        struct gpu_moved moved[GPU_KEPT_MAX]; /* all faces, if any has moved since the map was last written */
};

/* What comes after a struct gpu_view in a buffer can be a block from here on. */
#define GPU_VIEW_SIZE ((sizeof(struct gpu_view) + GPU_BLOCK_ALIGN - 1) / GPU_BLOCK_ALIGN * GPU_BLOCK_ALIGN)

/* A view of the whole picture in the network's input, for a map whose contents are undefined. */
struct gpu_view gpu_view_whole(uint32_t width, uint32_t height, uint32_t net_width, uint32_t net_height);

/* Puts a view's answers into the map of the whole picture.  `map` has the size of `image`, the picture that was viewed;
 * its label and mask are as in struct gpu_answers, its other two bytes are this operator's memory from one run to the
 * next.  `before` is the map as it was; it may be `map` itself, unless something has moved.  `view` is a struct
 * gpu_view.
 *
 * Enlarged answers have smooth borders.  Where the picture rests, a label changes only when others have led
 * long or clearly enough, and an undecided mask follows slowly, so that noise changes neither.  Where
 * it moves, both follow at once.  What the map knows of a face and the body below it moves with the face, and if the
 * picture has moved alike, it counts as resting. */
int op_place(struct gpu_program *program, const struct gpu_answers *answers, const struct gpu_block *view,
             const struct gpu_image *image, const struct gpu_answers *before, const struct gpu_answers *map);

/* One byte of each answer, for operators that need only that; width and height are the same. */
int op_labels(struct gpu_program *program, const struct gpu_answers *map, const struct gpu_labels *out);
int op_mask(struct gpu_program *program, const struct gpu_answers *map, const struct gpu_mask *out);

/* Copies bytes between two buffers of the same size, for example to one that the host reads. */
int op_copy(struct gpu_program *program, struct gpu_buffer *from, struct gpu_buffer *to, uint64_t size);
