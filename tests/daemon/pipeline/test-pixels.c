/* The table of pixel formats, against the V4L2 documentation's byte orders written out by hand, and the placeholder. */
#include <errno.h>
#include <linux/videodev2.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/pixels.h"
#include "daemon/service/placeholder.h"
#include "tests/cm.h"

static uint32_t at(const struct gpu_pixels *p, int c, uint32_t x, uint32_t y)
{
        return p->component[c].offset + (y >> p->component[c].shift_y) * p->component[c].stride +
               (x >> p->component[c].shift_x) * p->component[c].step;
}

/* "Y00 U00 Y01 V00": the components in the order of the bytes of a 4 x 2 picture; digits are row and column of the
 * sample. */
static const struct {
        uint32_t fourcc;
        const char *bytes;
} orders[] = {
        {V4L2_PIX_FMT_YUYV, "Y00 U00 Y01 V00 Y02 U01 Y03 V01 Y10 U10 Y11 V10 Y12 U11 Y13 V11"},
        {V4L2_PIX_FMT_UYVY, "U00 Y00 V00 Y01 U01 Y02 V01 Y03 U10 Y10 V10 Y11 U11 Y12 V11 Y13"},
        {V4L2_PIX_FMT_NV12, "Y00 Y01 Y02 Y03 Y10 Y11 Y12 Y13 U00 V00 U01 V01"},
        {V4L2_PIX_FMT_YUV420, "Y00 Y01 Y02 Y03 Y10 Y11 Y12 Y13 U00 U01 V00 V01"},
        {V4L2_PIX_FMT_YUV422P, "Y00 Y01 Y02 Y03 Y10 Y11 Y12 Y13 U00 U01 U10 U11 V00 V01 V10 V11"},
        {V4L2_PIX_FMT_RGB24, "R00 G00 B00 R01 G01 B01 R02 G02 B02 R03 G03 B03 "
                             "R10 G10 B10 R11 G11 B11 R12 G12 B12 R13 G13 B13"},
        {V4L2_PIX_FMT_BGR24, "B00 G00 R00 B01 G01 R01 B02 G02 R02 B03 G03 R03 "
                             "B10 G10 R10 B11 G11 R11 B12 G12 R12 B13 G13 R13"},
        {V4L2_PIX_FMT_GREY, "Y00 Y01 Y02 Y03 Y10 Y11 Y12 Y13"},
};
#define ORDERS (sizeof orders / sizeof orders[0])

static void test_orders(void **state)
{
        for (size_t i = 0; i < ORDERS; i++) {
                struct frame_format format = {.fourcc = orders[i].fourcc, .width = 4, .height = 2};
                const char *text = orders[i].bytes;
                struct gpu_pixels p;

                assert_int_equal(frame_format_pack(&format), 0);
                assert_int_equal(pixels_layout(&format, &p), 0);
                assert_int_equal(p.size, (strlen(text) + 1) / 4);
                assert_int_equal(p.size, format.size);
                for (int c = 0; c < 3; c++)
                        for (uint32_t y = 0; y < 2; y++)
                                for (uint32_t x = 0; x < 4; x++) {
                                        char name[4] = {(p.color == GPU_COLOR_RGB ? "RGB" : "YUV")[c],
                                                        '0' + (y >> p.component[c].shift_y),
                                                        '0' + (x >> p.component[c].shift_x)};
                                        const char *found = strstr(text, name);
                                        if (p.component[c].step > 0) {
                                                assert_non_null(found);
                                                assert_int_equal((found - text) / 4, at(&p, c, x, y));
                                        } else {
                                                assert_int_equal(format.fourcc, V4L2_PIX_FMT_GREY);
                                        }
                                }
        }
}

/* A driver may pad its rows: planes then start where the V4L2 documentation says. */
static void test_padded_rows(void **state)
{
        struct frame_format format = {.fourcc = V4L2_PIX_FMT_YUV420, .width = 6, .height = 4, .stride = 16, .size = 96};
        struct gpu_pixels p;

        assert_int_equal(pixels_layout(&format, &p), 0);
        assert_int_equal(at(&p, 0, 5, 3), 3 * 16 + 5);
        assert_int_equal(at(&p, 1, 5, 3), 64 + 8 + 2);
        assert_int_equal(at(&p, 2, 0, 0), 64 + 16);

        format.fourcc = V4L2_PIX_FMT_NV12;
        assert_int_equal(pixels_layout(&format, &p), 0);
        assert_int_equal(at(&p, 2, 5, 3), 64 + 16 + 5);

        format.fourcc = V4L2_PIX_FMT_YUV422P;
        assert_int_equal(pixels_layout(&format, &p), 0);
        assert_int_equal(at(&p, 1, 4, 3), 64 + 3 * 8 + 2);
        assert_int_equal(at(&p, 2, 0, 1), 64 + 32 + 8);
}

static void test_colour(void **state)
{
        struct frame_format format = {
                .fourcc = V4L2_PIX_FMT_YUYV, .width = 4, .height = 2, .matrix = FRAME_BT709, .full_range = true};
        struct gpu_pixels p;

        frame_format_pack(&format);
        assert_int_equal(pixels_layout(&format, &p), 0);
        assert_int_equal(p.color, GPU_COLOR_BT709);
        assert_true(p.full_range);
        format.matrix = FRAME_BT601;
        format.full_range = false;
        pixels_layout(&format, &p);
        assert_int_equal(p.color, GPU_COLOR_BT601);
        assert_false(p.full_range);
        format.fourcc = V4L2_PIX_FMT_MJPEG;
        assert_int_equal(pixels_layout(&format, &p), -ENOTSUP);
}

/* Known colours: BT.601 and BT.709 values of the primaries, as in any table of colour bars. */
static void test_pack(void **state)
{
        static const struct {
                enum frame_matrix matrix;
                bool full_range;
                uint8_t rgb[3], yuv[3];
        } colours[] = {
                {FRAME_BT601, false, {255, 255, 255}, {235, 128, 128}},
                {FRAME_BT601, false, {0, 0, 0}, {16, 128, 128}},
                {FRAME_BT601, false, {255, 0, 0}, {81, 90, 240}},
                {FRAME_BT601, false, {0, 255, 0}, {145, 54, 34}},
                {FRAME_BT601, false, {0, 0, 255}, {41, 240, 110}},
                {FRAME_BT709, false, {255, 0, 0}, {63, 102, 240}},
                {FRAME_BT709, false, {0, 255, 0}, {173, 42, 26}},
                {FRAME_BT709, false, {0, 0, 255}, {32, 240, 118}},
                {FRAME_BT601, true, {255, 255, 255}, {255, 128, 128}},
                {FRAME_BT601, true, {255, 0, 0}, {76, 85, 255}},
        };

        for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++)
                for (size_t k = 0; k < ORDERS; k++) {
                        struct frame_format format = {.fourcc = orders[k].fourcc,
                                                      .width = 4,
                                                      .height = 2,
                                                      .matrix = colours[i].matrix,
                                                      .full_range = colours[i].full_range};
                        uint8_t rgba[4 * 4 * 2], bytes[64];
                        struct gpu_pixels p;

                        frame_format_pack(&format);
                        pixels_layout(&format, &p);
                        for (int n = 0; n < 8; n++)
                                memcpy(rgba + n * 4, colours[i].rgb, 3);
                        memset(bytes, 0xaa, sizeof bytes);
                        pixels_pack(&p, rgba, bytes);
                        for (int c = 0; c < 3; c++) {
                                int wanted = p.color == GPU_COLOR_RGB ? colours[i].rgb[c] : colours[i].yuv[c];
                                if (p.component[c].step > 0)
                                        assert_in_range(bytes[at(&p, c, 3, 1)], wanted ? wanted - 1 : 0, wanted + 1);
                        }
                        assert_int_equal(bytes[p.size], 0xaa);
                }
}

static void test_placeholder(void **state)
{
        static const uint32_t fourccs[] = {V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUYV};
        static const uint32_t sizes[][2] = {{640, 480}, {32, 32}, {1920, 1080}, {480, 640}};

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                uint8_t *rgba = malloc(sizes[i][0] * sizes[i][1] * 4), low = 255, high = 0;

                placeholder_draw(sizes[i][0], sizes[i][1], rgba);
                for (size_t n = 0; n < (size_t)sizes[i][0] * sizes[i][1]; n++) {
                        low = rgba[n * 4] < low ? rgba[n * 4] : low;
                        high = rgba[n * 4] > high ? rgba[n * 4] : high;
                        assert_int_equal(rgba[n * 4 + 3], 255);
                }
                assert_true(high - low > 40); /* there is something on it */
                free(rgba);
        }
        for (size_t i = 0; i < sizeof fourccs / sizeof fourccs[0]; i++) {
                struct frame_format format = {.fourcc = fourccs[i], .width = 64, .height = 48};
                struct placeholder *placeholder;

                frame_format_pack(&format);
                assert_int_equal(placeholder_new(&format, &placeholder), 0);
                placeholder_free(placeholder);
        }
        struct frame_format format = {.fourcc = V4L2_PIX_FMT_MJPEG, .width = 64, .height = 48};
        struct placeholder *placeholder;
        assert_int_equal(placeholder_new(&format, &placeholder), -ENOTSUP);
}

/* Rows of the luma plane that differ between two pictures. */
static void differing_rows(const uint8_t *a, const uint8_t *b, uint32_t *ret_first, uint32_t *ret_last)
{
        *ret_first = *ret_last = UINT32_MAX;
        for (uint32_t row = 0; row < 480; row++)
                if (memcmp(a + row * 640, b + row * 640, 640) != 0) {
                        *ret_first = *ret_first == UINT32_MAX ? row : *ret_first;
                        *ret_last = row;
                }
}

/* Words are below the face.  Other words make another picture, the same ones the same, and too many are made to fit. */
static void test_placeholder_words(void **state)
{
        struct frame_format format = {.fourcc = V4L2_PIX_FMT_YUV420, .width = 640, .height = 480};
        struct placeholder *placeholder;
        uint32_t first, last;

        frame_format_pack(&format);
        assert_int_equal(placeholder_new(&format, &placeholder), 0);
        if (!placeholder_can_write(placeholder)) {
                placeholder_free(placeholder);
                skip();
        }
        uint8_t *plain = malloc(format.size), *starting = malloc(format.size);
        memcpy(plain, placeholder_bytes(placeholder), format.size);
        placeholder_say(placeholder, "starting");
        memcpy(starting, placeholder_bytes(placeholder), format.size);
        differing_rows(plain, starting, &first, &last);
        assert_in_range(first, 400, 479);
        assert_in_range(last, first + 10, 479);
        placeholder_say(placeholder, "paused");
        assert_memory_not_equal(placeholder_bytes(placeholder), starting, format.size);
        placeholder_say(placeholder, "starting");
        assert_memory_equal(placeholder_bytes(placeholder), starting, format.size);
        placeholder_say(placeholder, "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW");
        for (uint32_t row = 400; row < 480; row++) /* margins at both sides */
                assert_true(memcmp(placeholder_bytes(placeholder) + row * 640, plain + row * 640, 20) == 0 &&
                            memcmp(placeholder_bytes(placeholder) + row * 640 + 620, plain + row * 640 + 620, 20) == 0);
        placeholder_say(placeholder, "");
        assert_memory_equal(placeholder_bytes(placeholder), plain, format.size);
        free(plain);
        free(starting);
        placeholder_free(placeholder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_orders),      cmocka_unit_test(test_padded_rows),
                cmocka_unit_test(test_colour),      cmocka_unit_test(test_pack),
                cmocka_unit_test(test_placeholder), cmocka_unit_test(test_placeholder_words),
        };

        return cmocka_run_group_tests_name("daemon-pixels", tests, NULL, NULL);
}
