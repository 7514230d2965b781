#include "cm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <jpeglib.h>

#include "v4l2/jpeg.h"

#define W 96
#define H 50 /* no multiple of a block */

struct file {
        uint8_t *data;
        size_t size;
};

/* Coloured enough that a wrong chroma sample shows, noisy enough that the coded data are long. */
static void paint(uint8_t *rgb, int width, int height)
{
        unsigned noise = 1;

        for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++, rgb += 3) {
                        noise = noise * 1664525 + 1013904223;
                        rgb[0] = (uint8_t)(x * 255 / width);
                        rgb[1] = (uint8_t)(y * 255 / height);
                        rgb[2] = (uint8_t)((x * 5 ^ y * 3) + (noise >> 28));
                }
}

static struct file make(int width, int height, int subsampling, int flags)
{
        uint8_t *rgb = malloc((size_t)(width * height * 3)), *out = NULL;
        tjhandle handle = tjInitCompress();
        struct file file;
        unsigned long size = 0;

        paint(rgb, width, height);
        assert_int_equal(tjCompress2(handle, rgb, width, 0, height, TJPF_RGB, &out, &size, subsampling, 85, flags), 0);
        file = (struct file){malloc(size + 2000), size};
        memcpy(file.data, out, size);
        tjFree(out);
        tjDestroy(handle);
        free(rgb);
        return file;
}

/* libjpeg's own API, chroma repeated rather than interpolated: each sample can be compared exactly. */
static uint8_t *decode_with_libjpeg(const struct file *file)
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

        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
                for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
                        int width = sizes[s][0], height = sizes[s][1];
                        struct file file = make(width, height, kinds[k], 0);
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
        struct file file = make(W, H, TJSAMP_420, TJFLAG_PROGRESSIVE);
        uint8_t frame[W * H * 2], *pixels = decode_with_libjpeg(&file);
        struct jpeg *jpeg;

        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), 0);
        compare(frame, pixels, W, H, false);
        jpeg_free(jpeg);
        free(pixels);
        free(file.data);
}

/* Where a marker begins; the segment's length is in the two bytes after it. */
static size_t find(const struct file *file, uint8_t marker)
{
        for (size_t at = 2; at + 4 < file->size; at += 2 + (size_t)(file->data[at + 2] << 8 | file->data[at + 3])) {
                assert_int_equal(file->data[at], 0xff);
                if (file->data[at + 1] == marker)
                        return at;
        }
        fail();
        return 0;
}

static void cut(struct file *file, size_t at, size_t length)
{
        memmove(file->data + at, file->data + at + length, file->size - at - length);
        file->size -= length;
}

static void insert(struct file *file, size_t at, const void *data, size_t length)
{
        memmove(file->data + at + length, file->data + at, file->size - at);
        memcpy(file->data + at, data, length);
        file->size += length;
}

static size_t coded(const struct file *file)
{
        size_t at = find(file, 0xda);

        return at + 2 + (size_t)(file->data[at + 2] << 8 | file->data[at + 3]);
}

/* What webcams do and is no damage. */
static void tolerated(void **state)
{
        static const uint8_t comment[] = {0xff, 0xfe, 0, 6, 'A', 'V', 'I', '1'}, zeros[64];
        uint8_t frame[W * H * 2], *pixels;
        struct jpeg *jpeg;

        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        for (int kind = 0; kind < 4; kind++) {
                struct file file = make(W, H, TJSAMP_422, 0);

                pixels = decode_with_libjpeg(&file);
                if (kind == 0) /* Motion JPEG leaves the usual Huffman tables out */
                        for (int i = 0; i < 4; i++) {
                                size_t at = find(&file, 0xc4);

                                cut(&file, at, 2 + (size_t)(file.data[at + 2] << 8 | file.data[at + 3]));
                        }
                else if (kind == 1) /* stray bytes before the end */
                        insert(&file, file.size - 2, "\x12\x34\x56", 3);
                else if (kind == 2) /* padding after it */
                        insert(&file, file.size, zeros, sizeof(zeros));
                else
                        insert(&file, 2, comment, sizeof(comment));
                assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), 0);
                compare(frame, pixels, W, H, false);
                free(pixels);
                free(file.data);
        }
        jpeg_free(jpeg);
}

static const uint8_t many[1000] = {0x21};

static void break_file(struct file *file, int kind)
{
        size_t sof = find(file, 0xc0), dqt = find(file, 0xdb), dht = find(file, 0xc4), data = coded(file);
        size_t length = file->size - data;

        switch (kind) {
        case 0:
                file->size = 0;
                break;
        case 1:
                file->size = 1;
                break;
        case 2:
                file->size = 2;
                break;
        case 3:
                file->size = sof + 6;
                break;
        case 4:
                file->size = data;
                break;
        case 5:
                file->size = data + length / 4;
                break;
        case 6:
                file->size = data + length / 2;
                break;
        case 7:
                file->size = data + length * 3 / 4;
                break;
        case 8:
                file->size -= 2;
                break; /* no EOI */
        case 9:
                memset(file->data, 0, file->size);
                break;
        case 10:
                file->data[0] = 0;
                break;
        case 11:
                file->data[sof + 8]++;
                break; /* width */
        case 12:
                file->data[sof + 6]--;
                break; /* height */
        case 13:
                file->data[sof + 5] = 0x40;
                break; /* height of 16434 */
        case 14:
                file->data[sof + 1] = 0xe5;
                break; /* an APP5 instead */
        case 15:
                file->data[find(file, 0xda) + 1] = 0xe5;
                break;
        case 16:
                file->data[dqt + 4] = 7;
                break;
        case 17:
                file->data[dqt + 2] = 0x70;
                break; /* its length */
        case 18:
                file->data[sof + 4] = 12;
                break; /* bits a sample */
        case 19:
                file->data[sof + 9] = 4;
                break; /* components */
        case 20:
                file->data[sof + 9] = 0;
                break;
        case 21:
                file->data[sof + 11] = 0x55;
                break; /* sampling factors */
        case 22:
                file->data[sof + 11] = 0x31;
                break;
        case 23:
                memset(file->data + dht + 5, 0xff, 16);
                break; /* code lengths */
        case 24:
                memset(file->data + data, 0, length / 2);
                break;
        case 25:
                memset(file->data + data, 0xff, length / 2);
                break;
        case 26:
                cut(file, data + 20, length / 2);
                break;
        case 27:
                insert(file, file->size - 2, many, sizeof(many));
                break; /* the decoder was done long before */
        case 28:
                file->data[sof + 1] = 0xc3;
                break; /* lossless */
        case 29:
                insert(file, 2,
                       "\xff\xee\0\x0e"
                       "Adobe\0\x64\0\0\0\0\0",
                       16);
                cut(file, 18, 18);
                break; /* stored as RGB */
        case 30:
                memcpy(file->data, "\x89PNG\r\n\x1a\n", 8);
                break;
        case 31:
                memset(file->data + data + length / 3, 0xd9, 1);
                file->data[data + length / 3 - 1] = 0xff;
                break;
        }
}

static void corruptions(void **state)
{
        uint8_t *frame = malloc(W * H * 2);
        struct jpeg *jpeg;

        assert_int_equal(jpeg_new(W, H, &jpeg), 0);
        for (int kind = 0; kind < 32; kind++) {
                struct file file = make(W, H, kind & 1 ? TJSAMP_420 : TJSAMP_422, 0);

                assert_int_equal(jpeg_decode(jpeg, file.data, file.size, frame), 0);
                break_file(&file, kind);
                if (jpeg_decode(jpeg, file.data, file.size, frame) != -EBADMSG)
                        fail_msg("corruption %d was not seen", kind);
                free(file.data);
        }
        jpeg_free(jpeg);
        free(frame);
}

/* Every kind of cut is seen; the allocation is exactly the data, so that a sanitizer sees what reads past it. */
static void truncations(void **state)
{
        struct file file = make(W, H, TJSAMP_420, 0);
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

/* Flipped bits may or may not be seen, but harm nothing, and the next picture is right again. */
static void flips(void **state)
{
        struct file file = make(W, H, TJSAMP_420, 0);
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
                cmocka_unit_test(subsamplings), cmocka_unit_test(progressive), cmocka_unit_test(tolerated),
                cmocka_unit_test(corruptions),  cmocka_unit_test(truncations), cmocka_unit_test(flips),
                cmocka_unit_test(sizes),
        };

        return cmocka_run_group_tests_name("v4l2/jpeg", tests, NULL, NULL);
}
