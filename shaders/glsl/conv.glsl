// What both convolution kernels share: the shape and the epilogue.
INPUT(0, source)
INPUT(1, weights) // [out / 8][tap][in / 4][8][4]
INPUT(2, biases) // [out / 4][4], always 32-bit
INPUT(3, residuals)
OUTPUT(result)

layout(constant_id = 8) const int TAPS = 1; // 1 or 9
layout(constant_id = 9) const int POINTWISE = 1; // input and output pixels are the same

PUSH_CONSTANTS(conv_params);

// Index of the pixel that tap `tap` reads for output pixel `pixel`, or -1 in the padding.
int tap_pixel(int tap, int pixel)
{
        if (POINTWISE != 0)
                return pixel;
        int y = pixel / params.out_width;
        int x = (pixel - y * params.out_width) * params.stride;
        y *= params.stride;
        if (TAPS == 9) {
                y += (tap / 3 - 1) * params.dilation;
                x += (tap % 3 - 1) * params.dilation;
        }
        bool inside = pixel < params.out_pixels && y >= 0 && x >= 0 && y < params.height && x < params.width;
        return inside ? y * params.width + x : -1;
}

#include "epilogue.glsl"

void finish(int pixel, int group, vec4 sum)
{
        if (group >= params.out_groups || pixel >= params.out_pixels)
                return;
        STORE(result, at(params.result, pixel, group) + int(gl_WorkGroupID.z) * params.result_batch, epilogue(params.epilogue, params.residual, pixel, group, sum));
}
