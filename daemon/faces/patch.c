#include <math.h>

#include "daemon/faces/patch.h"

float patch_x(const struct patch *patch)
{
        return (float)(patch->x / patch->area);
}

float patch_y(const struct patch *patch)
{
        return (float)(patch->y / patch->area);
}

float patch_spread(const struct patch *patch, float along_x, float along_y)
{
        const double x = patch->x / patch->area, y = patch->y / patch->area;
        const double xx = patch->xx / patch->area - x * x, xy = patch->xy / patch->area - x * y,
                     yy = patch->yy / patch->area - y * y;
        const double spread = xx * along_x * along_x + 2 * xy * along_x * along_y + yy * along_y * along_y;

        return (float)sqrt(spread > 0 ? spread : 0);
}

struct patch patch_sum(const struct patch *patches, unsigned first, unsigned last)
{
        struct patch sum = {0};

        for (unsigned i = first; i <= last; i++) {
                sum.area += patches[i].area;
                sum.x += patches[i].x;
                sum.y += patches[i].y;
                sum.xx += patches[i].xx;
                sum.xy += patches[i].xy;
                sum.yy += patches[i].yy;
        }
        return sum;
}

void patch_add(struct patch *patch, float x, float y)
{
        patch->area += 1;
        patch->x += x;
        patch->y += y;
        patch->xx += x * x;
        patch->xy += x * y;
        patch->yy += y * y;
}
