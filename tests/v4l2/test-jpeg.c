#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
/* <jpeglib.h> needs <stdio.h>. */
#include <jpeglib.h>

#include "tests/cm.h"
#include "tests/v4l2/jpeg-file.h"
#include "v4l2/jpeg.h"

#define W 96
#define H 50 /* not a multiple of a block's height */

/* Uses libjpeg's own API, and repeats chroma instead of interpolating it, so that samples can be compared exactly. */
static uint8_t *decode_with_libjpeg(const struct jpeg_file *file)
{
        struct jpeg_decompress_struct cinfo;
        struct jpeg_error_mgr error;
        uint8_t *pixels;

        cinfo.err = jpeg_std_error(&error);
        jpeg_create_decompress(&cinfo);
        jpeg_mem_src(&cinfo, file->data, file->size);
        jpeg_read_header(&cinfo, TRUE);
        cinfo.out_color_space = cinfo.num_components == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
        cinfo.do_fancy_upsampling = FALSE;
        jpeg_start_decompress(&cinfo);
        pixels = malloc((size_t)cinfo.output_width * cinfo.output_height * (size_t)cinfo.num_components);
        while (cinfo.output_scanline < cinfo.output_height) {
                uint8_t *row =
                        pixels + (size_t)cinfo.output_scanline * cinfo.output_width * (size_t)cinfo.num_components;

                jpeg_read_scanlines(&cinfo, &row, 1);
        }
        jpeg_finish_decompress(&cinfo);
        jpeg_destroy_decompress(&cinfo);
        return pixels;
}

static void compare(const uint8_t *frame, const uint8_t *pixels, int width, int height, bool grey)
{
        const uint8_t *cb = frame + width * height, *cr = cb + width / 2 * height;

        for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++) {
                        const uint8_t *p = pixels + (y * width + x) * (grey ? 1 : 3);

                        assert_int_equal(frame[y * width + x], p[0]);
                        if (x % 2)
                                continue;
                        assert_int_equal(cb[y * (width / 2) + x / 2], grey ? 128 : p[1]);
                        assert_int_equal(cr[y * (width / 2) + x / 2], grey ? 128 : p[2]);
                }
}

static void subsamplings(void **state)
{
        static const int kinds[] = {TJSAMP_422, TJSAMP_420, TJSAMP_444, TJSAMP_440, TJSAMP_411, TJSAMP_GRAY};
        static const int sizes[][2] = {{96, 50}, {96, 51}, {100, 7}, {4, 1}, {640, 48}};

        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
                for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
                        int width = sizes[s][0], height = sizes[s][1];
                        struct jpeg_file file = jpeg_file_make(width, height, kinds[k], 0);
                        uint8_t *frame = malloc((size_t)(width * height * 2)), *pixels = decode_with_libjpeg(&file);
                        struct jpeg *jpeg;

                        assert_int_equal(jpeg_new((uint32_t)width, (uint32_t)height, &jpeg), 0);
                        for (int turn = 0; turn < 2; turn++) {
                                memset(frame, 0x55, (size_t)(width * height * 2));
                                assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), 0);
                                compare(frame, pixels, width, height, kinds[k] == TJSAMP_GRAY);
                        }
                        jpeg_free(jpeg);
                        free(frame);
                        free(pixels);
                        free(file.data);
                }
}

static void progressive(void **state)
{
        struct jpeg_file file = jpeg_file_make(W, H, TJSAMP_420, TJFLAG_PROGRESSIVE);
        uint8_t frame[W * H * 2], *pixels = decode_with_libjpeg(&file);
        struct jpeg *jpeg;

        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), 0);
        compare(frame, pixels, W, H, false);
        jpeg_free(jpeg);
        free(pixels);
        free(file.data);
}

/* Oddities of webcams' pictures that are not damage. */
static void tolerated(void **state)
{
        static const uint8_t comment[] = {0xff, 0xfe, 0, 6, 'A', 'V', 'I', '1'}, zeros[64];
        uint8_t frame[W * H * 2], *pixels;
        struct jpeg *jpeg;

        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        for (int kind = 0; kind < 5; kind++) {
                struct jpeg_file file = jpeg_file_make(W, H, TJSAMP_422, 0);

                pixels = decode_with_libjpeg(&file);
                if (kind == 0)
                        jpeg_file_strip(&file);
                else if (kind == 1) /* stray bytes before the end */
                        jpeg_file_insert(&file, file.size - 2, "\x12\x34\x56", 3);
                else if (kind == 2) /* padding after it */
                        jpeg_file_insert(&file, file.size, zeros, sizeof zeros);
                else if (kind == 3)
                        jpeg_file_insert(&file, jpeg_file_find(&file, 0xda), "\xff\xdd\0\4\xff\xff",
                                         6); /* restart interval */
                else
                        jpeg_file_insert(&file, 2, comment, sizeof comment);
                assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), 0);
                compare(frame, pixels, W, H, false);
                free(pixels);
                free(file.data);
        }
        jpeg_free(jpeg);
}

/* A picture is decoded with its own tables or the default ones of Motion JPEG, never with those of the previous one. */
static void tables_of_another(void **state)
{
        struct jpeg_file good = jpeg_file_make(W, H, TJSAMP_420, 0),
                         no_quantisation = jpeg_file_make(W, H, TJSAMP_420, 0);
        struct jpeg_file unusual = jpeg_file_make(W, H, TJSAMP_420, TJFLAG_PROGRESSIVE),
                         no_huffman = jpeg_file_make(W, H, TJSAMP_420, 0);
        uint8_t frame[W * H * 2], *pixels = decode_with_libjpeg(&good);
        struct jpeg *jpeg;

        jpeg_file_cut_segments(&no_quantisation, 0xdb, 2);
        jpeg_file_cut_segments(&no_huffman, 0xc4, 4);
        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        assert_int_equal(jpeg_decode(jpeg, no_quantisation.data, no_quantisation.size, frame), -EBADMSG);
        assert_int_equal(jpeg_decode(jpeg, good.data, good.size, frame), 0);
        assert_int_equal(jpeg_decode(jpeg, no_quantisation.data, no_quantisation.size, frame), -EBADMSG);

        assert_int_equal(jpeg_decode(jpeg, unusual.data, unusual.size, frame), 0);
        assert_int_equal(jpeg_decode(jpeg, no_huffman.data, no_huffman.size, frame), 0);
        compare(frame, pixels, W, H, false);
        jpeg_free(jpeg);
        free(pixels);
        free(good.data);
        free(no_quantisation.data);
        free(unusual.data);
        free(no_huffman.data);
}

static void corruptions(void **state)
{
        uint8_t *frame = malloc(W * H * 2);
        struct jpeg *jpeg;

        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        for (int kind = 0; kind < JPEG_FILE_BREAKS; kind++) {
                struct jpeg_file file = jpeg_file_make(W, H, kind & 1 ? TJSAMP_420 : TJSAMP_422, 0);

                assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), 0);
                jpeg_file_break(&file, kind);
                if (jpeg_decode(jpeg, file.data, file.size, frame) != -EBADMSG)
                        fail_msg("corruption %d was not seen", kind);
                free(file.data);
        }
        jpeg_free(jpeg);
        free(frame);
}

/* A file that is cut anywhere is recognised.  The allocation is exactly as large as the data, so that a sanitizer
 * sees every read beyond them. */
static void truncations(void **state)
{
        struct jpeg_file file = jpeg_file_make(W, H, TJSAMP_420, 0);
        uint8_t *frame = malloc(W * H * 2);
        struct jpeg *jpeg;

        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        for (size_t size = 0; size < file.size; size += 13) {
                uint8_t *copy = malloc(size + !size);

                memcpy(copy, file.data, size);
                assert_int_equal(jpeg_decode(jpeg, copy, size, frame), -EBADMSG);
                free(copy);
        }
        jpeg_free(jpeg);
        free(frame);
        free(file.data);
}

/* Flipped bits may or may not be noticed, but they do no harm, and the next picture is right again. */
static void flips(void **state)
{
        struct jpeg_file file = jpeg_file_make(W, H, TJSAMP_420, 0);
        uint8_t *frame = malloc(W * H * 2), *pixels = decode_with_libjpeg(&file);
        struct jpeg *jpeg;
        unsigned noise = 7;

        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        for (int turn = 0; turn < 300; turn++) {
                size_t at;
                uint8_t bit;

                noise = noise * 1664525 + 1013904223;
                at = noise % file.size;
                bit = (uint8_t)(1u << (noise >> 29));
                file.data[at] ^= bit;
                jpeg_decode(jpeg, file.data, file.size, frame);
                file.data[at] ^= bit;
        }
        assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), 0);
        compare(frame, pixels, W, H, false);
        jpeg_free(jpeg);
        free(frame);
        free(pixels);
        free(file.data);
}

/* A grey picture of `scans` scans, valid by the standard: one scan for the mean of each block, the others for its
 * other 63 coefficients, a few at a time. */
static struct jpeg_file make_scans(int scans)
{
        struct jpeg_compress_struct cinfo;
        struct jpeg_error_mgr error;
        jpeg_scan_info script[64] = {{.comps_in_scan = 1}};
        unsigned char *out = NULL, row[W];
        unsigned long size = 0;
        struct jpeg_file file;

        for (int i = 1; i < scans; i++)
                script[i] = (jpeg_scan_info){.comps_in_scan = 1, .Ss = i, .Se = i == scans - 1 ? 63 : i};
        cinfo.err = jpeg_std_error(&error);
        jpeg_create_compress(&cinfo);
        jpeg_mem_dest(&cinfo, &out, &size);
        cinfo.image_width = W;
        cinfo.image_height = H;
        cinfo.input_components = 1;
        cinfo.in_color_space = JCS_GRAYSCALE;
        jpeg_set_defaults(&cinfo);
        cinfo.scan_info = script;
        cinfo.num_scans = scans;
        jpeg_start_compress(&cinfo, TRUE);
        for (int y = 0; y < H; y++) {
                for (int x = 0; x < W; x++)
                        row[x] = (unsigned char)(x * y * 31);
                jpeg_write_scanlines(&cinfo, &(JSAMPROW){row}, 1);
        }
        jpeg_finish_compress(&cinfo);
        jpeg_destroy_compress(&cinfo);
        file = (struct jpeg_file){malloc(size + 2000), size};
        memcpy(file.data, out, size);
        free(out);
        return file;
}

/* Each scan takes as long as a whole picture.  Scans inside a comment or a thumbnail do not count. */
static void many_scans(void **state)
{
        static const struct {
                int scans, result;
        } cases[] = {{2, 0}, {20, 0}, {21, -EBADMSG}, {64, -EBADMSG}};
        uint8_t comment[2 + 2 + 40 * 4] = {0xff, 0xe1, 0, sizeof comment - 2}, frame[W * H * 2];
        struct jpeg *jpeg;

        for (size_t i = 4; i < sizeof comment; i += 4)
                memcpy(comment + i, "\xff\xda\0\2", 4);
        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct jpeg_file file = make_scans(cases[i].scans);
                uint8_t *pixels = decode_with_libjpeg(&file);

                jpeg_file_insert(&file, 2, comment, sizeof comment);
                assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), cases[i].result);
                if (!cases[i].result)
                        compare(frame, pixels, W, H, true);
                free(pixels);
                free(file.data);
        }
        jpeg_free(jpeg);
}

static void sizes(void **state)
{
        struct jpeg *jpeg = (void *)1;

        assert_int_equal(jpeg_new(0, 4, &jpeg), -EINVAL);
        assert_int_equal(jpeg_new(4, 0, &jpeg), -EINVAL);
        assert_int_equal(jpeg_new(5, 4, &jpeg), -EINVAL);
        assert_ptr_equal(jpeg, (void *)1);
        jpeg_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(subsamplings), cmocka_unit_test(progressive),       cmocka_unit_test(tolerated),
                cmocka_unit_test(corruptions),  cmocka_unit_test(truncations),       cmocka_unit_test(flips),
                cmocka_unit_test(sizes),        cmocka_unit_test(tables_of_another), cmocka_unit_test(many_scans),
        };

        return cmocka_run_group_tests_name("v4l2/jpeg", tests, NULL, NULL);
}
