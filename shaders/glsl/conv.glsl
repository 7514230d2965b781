// What both convolution kernels share: the shape and the epilogue.
INPUT(0, source)
INPUT(1, weights) // [out / 8][tap][in / 4][8][4]
INPUT(2, biases) // [out / 4][4], always 32-bit
INPUT(3, residuals)
OUTPUT(result)

layout(constant_id = 8) const int TAPS = 1; // 1 or 9
layout(constant_id = 9) const int POINTWISE = 1; // input and output pixels are the same

layout(push_constant) uniform Shape {
        int height, width; // of the input
        int out_width, out_pixels;
        int groups; // in / 4
        int out_groups; // out / 4
        int stride, dilation;
        map_params source_map, result_map, residual_map;
        int source_batch, weights_batch, result_batch; // vec4s from one of the batch (of Winograd's 36) to the next
        int has_bias, has_residual;
        float slope, ceiling; // min(max(x, slope x), ceiling)
        float scale, final_slope;
};

// Index of the pixel that tap `tap` reads for output pixel `pixel`, or -1 in the padding.
int tap_pixel(int tap, int pixel)
{
        if (POINTWISE != 0)
                return pixel;
        int y = pixel / out_width;
        int x = (pixel - y * out_width) * stride;
        y *= stride;
        if (TAPS == 9) {
                y += (tap / 3 - 1) * dilation;
                x += (tap % 3 - 1) * dilation;
        }
        bool inside = pixel < out_pixels && y >= 0 && x >= 0 && y < height && x < width;
        return inside ? y * width + x : -1;
}

#include "epilogue.glsl"

void finish(int pixel, int group, vec4 sum)
{
        if (group >= out_groups || pixel >= out_pixels)
                return;
        STORE(result, at(result_map, pixel, group) + int(gl_WorkGroupID.z) * result_batch, epilogue(pixel, group, sum));
}
