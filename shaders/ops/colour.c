#include "shaders/image.h"

/* Y'CbCr (ITU-R BT.601, BT.709): the two weights of the luma, which determine everything else. */
static const struct {
        double red, blue;
} lumas[] = {
        [GPU_COLOR_BT601] = {0.299, 0.114},
        [GPU_COLOR_BT709] = {0.2126, 0.0722},
};

void gpu_pixels_to_rgb(const struct gpu_pixels *pixels, float ret[3][4])
{
        if (pixels->color == GPU_COLOR_RGB) {
                for (int i = 0; i < 3; i++)
                        for (int j = 0; j < 4; j++)
                                ret[i][j] = i == j;
                return;
        }
        const double kr = lumas[pixels->color].red, kb = lumas[pixels->color].blue, kg = 1 - kr - kb;
        const double y = pixels->full_range ? 1 : 255. / 219, c = pixels->full_range ? 1 : 255. / 224;
        const double black = pixels->full_range ? 0 : 16. / 255, grey = 128. / 255;
        const double blue[3] = {0, -2 * (1 - kb) * kb / kg, 2 * (1 - kb)},
                     red[3] = {2 * (1 - kr), -2 * (1 - kr) * kr / kg, 0};

        for (int i = 0; i < 3; i++) {
                double b = pixels->component[1].step ? c * blue[i] : 0, r = pixels->component[2].step ? c * red[i] : 0;
                ret[i][0] = y;
                ret[i][1] = b;
                ret[i][2] = r;
                ret[i][3] = -y * black - (b + r) * grey;
        }
}

void gpu_pixels_from_rgb(const struct gpu_pixels *pixels, float ret[3][4])
{
        if (pixels->color == GPU_COLOR_RGB) {
                gpu_pixels_to_rgb(pixels, ret);
                return;
        }
        const double kr = lumas[pixels->color].red, kb = lumas[pixels->color].blue, kg = 1 - kr - kb;
        const double y = pixels->full_range ? 1 : 219. / 255, c = pixels->full_range ? 1 : 224. / 255;
        const double black = pixels->full_range ? 0 : 16. / 255, grey = 128. / 255;
        const double weights[3] = {kr, kg, kb};

        for (int i = 0; i < 3; i++) {
                ret[0][i] = y * weights[i];
                ret[1][i] = c * ((i == 2) - weights[i]) / (2 * (1 - kb));
                ret[2][i] = c * ((i == 0) - weights[i]) / (2 * (1 - kr));
        }
        ret[0][3] = black;
        ret[1][3] = ret[2][3] = grey;
}
