#include <linux/videodev2.h>

#include "v4l2/sink-kind.h"

int sink_file_format(const struct frame_format *wish, struct frame_format *ret)
{
        struct frame_format format = {.fourcc = V4L2_PIX_FMT_YUV420,
                                      .width = (wish->width ? wish->width : 640) & ~1u,
                                      .height = (wish->height ? wish->height : 480) & ~1u,
                                      .matrix = wish->matrix,
                                      .full_range = wish->full_range};
        int r = frame_format_pack(&format);

        if (r < 0)
                return r;
        *ret = format;
        return 0;
}
