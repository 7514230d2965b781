/* The axes of a turned head. */
#pragma once

#include <math.h>

#define RADIANS(degrees) ((degrees) / 57.29578f)
#define DEGREES(radians) ((radians)*57.29578f)

struct axes {
        float across_x, across_y, down_x, down_y;
};

/* `roll`: degrees, clockwise as the picture shows it. */
static inline struct axes axes_of(float roll)
{
        const float angle = RADIANS(roll), c = cosf(angle), s = sinf(angle);

        return (struct axes){c, s, -s, c};
}

static inline float across(const struct axes *axes, float x, float y)
{
        return axes->across_x * x + axes->across_y * y;
}

static inline float below(const struct axes *axes, float x, float y)
{
        return axes->down_x * x + axes->down_y * y;
}
