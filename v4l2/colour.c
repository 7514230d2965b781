#include <linux/videodev2.h>

#include "v4l2/colour.h"
#include "v4l2/layout.h"

void colour_read(const struct v4l2_pix_format *pix, struct frame_format *format)
{
        const struct frame_layout *layout = frame_layout(format->fourcc);
        uint32_t space = pix->colorspace, enc = pix->ycbcr_enc, quantization = pix->quantization;
        bool rgb = layout && layout->rgb;

        format->matrix = FRAME_BT601;
        format->full_range = true;
        if (rgb)
                return;

        /* v4l2loopback and others leave zeros, which the kernel defines as the default of the level above. */
        if (space == V4L2_COLORSPACE_DEFAULT)
                space = V4L2_COLORSPACE_SRGB;
        if (enc == V4L2_YCBCR_ENC_DEFAULT)
                enc = V4L2_MAP_YCBCR_ENC_DEFAULT(space);
        if (quantization == V4L2_QUANTIZATION_DEFAULT)
                quantization = V4L2_MAP_QUANTIZATION_DEFAULT(rgb, space, enc);

        /* BT.2020 and SMPTE 240M are closer to BT.709 than to BT.601; no webcam has them. */
        if (enc != V4L2_YCBCR_ENC_601 && enc != V4L2_YCBCR_ENC_XV601)
                format->matrix = FRAME_BT709;
        format->full_range = quantization == V4L2_QUANTIZATION_FULL_RANGE;
}

void colour_write(const struct frame_format *format, struct v4l2_pix_format *pix)
{
        bool bt709 = format->matrix == FRAME_BT709;

        pix->priv = V4L2_PIX_FMT_PRIV_MAGIC; /* without it the kernel clears the fields below */
        pix->colorspace = bt709 ? V4L2_COLORSPACE_REC709 : V4L2_COLORSPACE_SRGB;
        pix->ycbcr_enc = bt709 ? V4L2_YCBCR_ENC_709 : V4L2_YCBCR_ENC_601;
        pix->quantization = format->full_range ? V4L2_QUANTIZATION_FULL_RANGE : V4L2_QUANTIZATION_LIM_RANGE;
        pix->xfer_func = V4L2_XFER_FUNC_DEFAULT;
}
