/* Where a view's pixels are in the picture. */
#pragma once

#include <math.h>

#include "daemon/faces/faces.h"

static inline void view_to_picture(const struct face_view *view, float x, float y, float *ret_x, float *ret_y)
{
        const float(*row)[3] = view->to_picture;

        *ret_x = row[0][0] * x + row[0][1] * y + row[0][2];
        *ret_y = row[1][0] * x + row[1][1] * y + row[1][2];
}

/* The area of one of the view's pixels, in the picture's pixels. */
static inline float view_pixel_area(const struct face_view *view)
{
        const float(*row)[3] = view->to_picture;

        return fabsf(row[0][0] * row[1][1] - row[0][1] * row[1][0]);
}
