// What all convolution kernels share: the shape and the epilogue.
INPUT(0, source)
INPUT(1, weights) // [out / 8][tap][in / 4][8][4]; PACKED: [out / 8][tap][in / 4][2][in][out]
INPUT(2, biases) // [out / 4][4], always 32-bit
INPUT(3, residuals)
OUTPUT(result)

CONSTANT(CONV_TAPS) TAPS = 1; // 1 or 9
CONSTANT(CONV_POINTWISE) POINTWISE = 1; // input and output pixels are the same

PUSH_CONSTANTS(conv_params);

// Where output pixel `pixel` lies in the input; far outside if there is no such pixel.
ivec2 origin_of(int pixel)
{
        return pixel < params.out_pixels ? nth_pixel(pixel, params.out_width) * params.stride : ivec2(-1 << 20);
}

// Index of the pixel that tap `tap` reads there, or -1 in the padding.
int tap_pixel(int tap, ivec2 origin)
{
        if (TAPS == 9)
                origin += ivec2(tap % 3 - 1, tap / 3 - 1) * params.dilation;
        bool inside = origin.x >= 0 && origin.y >= 0 && origin.x < params.width && origin.y < params.height;
        return inside ? origin.y * params.width + origin.x : -1;
}

#include "epilogue.glsl"
