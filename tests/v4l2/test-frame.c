#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "tests/cm.h"
#include "v4l2/colour.h"
#include "v4l2/frame.h"
#include "v4l2/layout.h"

static void sizes(void **state)
{
        static const struct {
                uint32_t fourcc, width, height, stride, size;
        } good[] = {
                {V4L2_PIX_FMT_YUYV, 640, 480, 1280, 614400},
                {V4L2_PIX_FMT_UYVY, 640, 481, 1280, 615680},
                {V4L2_PIX_FMT_NV12, 640, 480, 640, 460800},
                {V4L2_PIX_FMT_NV12, 2, 2, 2, 6},
                {V4L2_PIX_FMT_YUV420, 640, 480, 640, 460800},
                {V4L2_PIX_FMT_YUV420, 1922, 1082, 1922, 3119406},
                {V4L2_PIX_FMT_YUV422P, 640, 481, 640, 615680},
                {V4L2_PIX_FMT_RGB24, 641, 481, 1923, 924963},
                {V4L2_PIX_FMT_BGR24, 1, 1, 3, 3},
                {V4L2_PIX_FMT_GREY, 641, 481, 641, 308321},
                {V4L2_PIX_FMT_RGB24, 16384, 16384, 49152, 805306368},
                {V4L2_PIX_FMT_YUYV, 16384, 16384, 32768, 536870912},
        };
        static const struct {
                uint32_t fourcc, width, height;
        } bad[] = {
                {V4L2_PIX_FMT_YUYV, 641, 480},
                {V4L2_PIX_FMT_UYVY, 1, 480},
                {V4L2_PIX_FMT_NV12, 641, 480},
                {V4L2_PIX_FMT_NV12, 640, 481},
                {V4L2_PIX_FMT_YUV420, 640, 481},
                {V4L2_PIX_FMT_YUV420, 641, 480},
                {V4L2_PIX_FMT_YUV422P, 641, 480},
                {V4L2_PIX_FMT_RGB24, 0, 480},
                {V4L2_PIX_FMT_GREY, 640, 0},
                {V4L2_PIX_FMT_RGB24, 16385, 480},
                {V4L2_PIX_FMT_YUYV, 640, 16386},
                {V4L2_PIX_FMT_GREY, 4294967295u, 1},
                {V4L2_PIX_FMT_YUYV, 2147483648u, 2147483648u},
                {V4L2_PIX_FMT_MJPEG, 640, 480},
                {V4L2_PIX_FMT_YVU420, 640, 480},
                {0, 640, 480},
        };

        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
                struct frame_format format = {good[i].fourcc, good[i].width, good[i].height, 77777, 1,
                                              FRAME_BT709,    true};

                assert_int_equal(frame_format_pack(&format), 0);
                assert_int_equal(format.stride, good[i].stride);
                assert_int_equal(format.size, good[i].size);
                assert_int_equal(format.matrix, FRAME_BT709);
        }
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                struct frame_format format = {bad[i].fourcc, bad[i].width, bad[i].height, 5, 6, FRAME_BT601, false};

                assert_int_equal(frame_format_pack(&format), -EINVAL);
                assert_int_equal(format.stride, 5); /* untouched */
                assert_int_equal(format.size, 6);
        }
}

static void strides(void **state)
{
        static const struct {
                uint32_t fourcc, stride, size; /* size 0: refused */
        } cases[] = {
                {V4L2_PIX_FMT_YUYV, 0, 64 * 32 * 2},
                {V4L2_PIX_FMT_YUYV, 192, 192 * 32},
                {V4L2_PIX_FMT_YUYV, 127, 0},
                {V4L2_PIX_FMT_NV12, 96, 96 * 32 * 3 / 2},
                {V4L2_PIX_FMT_YUV420, 96, 96 * 32 * 3 / 2},
                {V4L2_PIX_FMT_YUV422P, 96, 96 * 64},
                {V4L2_PIX_FMT_YUV420, 97, 0},
                {V4L2_PIX_FMT_NV12, 63, 0},
                {V4L2_PIX_FMT_RGB24, 191, 0},
                {V4L2_PIX_FMT_RGB24, 4294967295u, 0},
                {V4L2_PIX_FMT_GREY, 65, 65 * 32},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct frame_format format = {
                        .fourcc = cases[i].fourcc, .width = 64, .height = 32, .stride = cases[i].stride};

                assert_int_equal(frame_layout_fit(&format), cases[i].size ? 0 : -EINVAL);
                assert_int_equal(format.size, cases[i].size);
        }
}

static void names(void **state)
{
        assert_string_equal(frame_fourcc_name(V4L2_PIX_FMT_YUYV), "YUYV");
        assert_string_equal(frame_fourcc_name(V4L2_PIX_FMT_Y16), "Y16.");
        assert_string_equal(frame_fourcc_name(V4L2_PIX_FMT_Y16_BE), "Y16."); /* its last byte has the top bit set */
        assert_string_equal(frame_fourcc_name(0x0a0d1b00), "....");
}

static void colours(void **state)
{
        static const struct {
                uint32_t fourcc, space, enc, quantization;
                enum frame_matrix matrix;
                bool full;
        } cases[] = {
                {V4L2_PIX_FMT_YUYV, 0, 0, 0, FRAME_BT601, false},
                {V4L2_PIX_FMT_YUYV, V4L2_COLORSPACE_SRGB, 0, 0, FRAME_BT601, false},
                {V4L2_PIX_FMT_YUYV, V4L2_COLORSPACE_JPEG, 0, 0, FRAME_BT601, true},
                {V4L2_PIX_FMT_YUYV, V4L2_COLORSPACE_REC709, 0, 0, FRAME_BT709, false},
                {V4L2_PIX_FMT_YUYV, V4L2_COLORSPACE_REC709, V4L2_YCBCR_ENC_601, 0, FRAME_BT601, false},
                {V4L2_PIX_FMT_NV12, V4L2_COLORSPACE_SMPTE170M, 0, V4L2_QUANTIZATION_FULL_RANGE, FRAME_BT601, true},
                {V4L2_PIX_FMT_NV12, V4L2_COLORSPACE_BT2020, 0, 0, FRAME_BT709, false},
                {V4L2_PIX_FMT_RGB24, V4L2_COLORSPACE_REC709, 0, 0, FRAME_BT601, true},
                {V4L2_PIX_FMT_GREY, 0, 0, V4L2_QUANTIZATION_LIM_RANGE, FRAME_BT601, false},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct v4l2_pix_format pix = {
                        .colorspace = cases[i].space, .ycbcr_enc = cases[i].enc, .quantization = cases[i].quantization};
                struct frame_format format = {.fourcc = cases[i].fourcc};

                colour_read(&pix, &format);
                assert_int_equal(format.matrix, cases[i].matrix);
                assert_int_equal(format.full_range, cases[i].full);
        }
        for (int i = 0; i < 4; i++) {
                struct frame_format format = {.fourcc = V4L2_PIX_FMT_NV12, .matrix = i & 1, .full_range = i >> 1},
                                    back = format;
                struct v4l2_pix_format pix = {0};

                colour_write(&format, &pix);
                back.matrix = !format.matrix;
                back.full_range = !format.full_range;
                colour_read(&pix, &back);
                assert_int_equal(back.matrix, format.matrix);
                assert_int_equal(back.full_range, format.full_range);
        }
}

/* Padding between the members does not count. */
static void same(void **state)
{
        struct frame_format a, b, other;

        memset(&a, 0x55, sizeof a);
        memset(&b, 0xaa, sizeof b);
        memset(&other, 0x55, sizeof other);
        for (int i = 0; i < 3; i++) {
                struct frame_format *format = i == 0 ? &a : i == 1 ? &b : &other;

                format->fourcc = V4L2_PIX_FMT_NV12;
                format->width = 640;
                format->height = 480;
                format->stride = 640;
                format->size = 460800;
                format->matrix = FRAME_BT709;
                format->full_range = i == 2;
        }
        assert_true(memcmp(&a, &b, sizeof a) != 0);
        assert_true(frame_format_equal(&a, &b));
        assert_false(frame_format_equal(&a, &other));
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(sizes), cmocka_unit_test(strides), cmocka_unit_test(names),
                                           cmocka_unit_test(colours), cmocka_unit_test(same)};

        return cmocka_run_group_tests_name("v4l2/frame", tests, NULL, NULL);
}
