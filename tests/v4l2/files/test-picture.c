#include <errno.h>
#include <png.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <turbojpeg.h>

#include "tests/cm.h"
#include "tests/v4l2/temporary.h"
#include "v4l2/files/picture.h"

#define W 21
#define H 13

struct kind {
        const char *name;
        int color_type, depth, interlace;
        bool transparent; /* a tRNS chunk */
};

static unsigned channels(int color_type)
{
        return color_type == PNG_COLOR_TYPE_RGB_ALPHA    ? 4
               : color_type == PNG_COLOR_TYPE_RGB        ? 3
               : color_type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                                         : 1;
}

static unsigned level(int x, int y, unsigned channel, int depth)
{
        unsigned max = depth == 16 ? 255 : (1u << depth) - 1; /* 16 bits: the upper byte */

        return (unsigned)(x * 11 + y * 7 + (int)channel * 50) & max;
}

/* Written by libpng's low-level functions, sample by sample. */
static const char *write_kind(const struct kind *kind)
{
        const char *path = temporary_path("", kind->name);
        FILE *file = fopen(path, "wb");
        png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        png_infop info = png_create_info_struct(png);
        uint8_t row[W * 8];
        png_color palette[16];
        png_byte alpha[16];
        png_color_16 key = {.gray = (png_uint_16)level(3, 2, 0, kind->depth)};

        png_init_io(png, file);
        png_set_check_for_invalid_index(png, 0);
        png_set_IHDR(png, info, W, H, kind->depth, kind->color_type, kind->interlace, 0, 0);
        for (int i = 0; i < 16; i++) {
                palette[i] = (png_color){(png_byte)(i * 16), (png_byte)(255 - i), (png_byte)(i * i)};
                alpha[i] = (png_byte)(i * 10);
        }
        if (kind->color_type == PNG_COLOR_TYPE_PALETTE)
                png_set_PLTE(png, info, palette, 16);
        if (kind->transparent)
                png_set_tRNS(png, info, alpha, 16, &key);
        png_write_info(png, info);
        png_set_packing(png);
        for (int pass = kind->interlace ? png_set_interlace_handling(png) : 1; pass > 0; pass--)
                for (int y = 0; y < H; y++) {
                        uint8_t *p = row;

                        for (int x = 0; x < W; x++)
                                for (unsigned c = 0; c < channels(kind->color_type); c++) {
                                        uint8_t v = (uint8_t)level(x, y, c, kind->depth);

                                        *p++ = v;
                                        if (kind->depth == 16)
                                                *p++ = 0xff;
                                }
                        png_write_row(png, row);
                }
        png_write_end(png, info);
        png_destroy_write_struct(&png, &info);
        fclose(file);
        return path;
}

static void expect(const struct kind *kind, int x, int y, uint8_t ret[4])
{
        unsigned n = channels(kind->color_type), max = kind->depth == 16 ? 255 : (1u << kind->depth) - 1, v[4];

        for (unsigned c = 0; c < n; c++) {
                v[c] = level(x, y, c, kind->depth);
                if (kind->depth == 16)
                        v[c] = (v[c] * 256 + 255 + 128) / 257; /* rounded, not cut off */
        }
        ret[3] = 255;
        if (kind->color_type == PNG_COLOR_TYPE_PALETTE) {
                ret[0] = (uint8_t)(v[0] * 16);
                ret[1] = (uint8_t)(255 - v[0]);
                ret[2] = (uint8_t)(v[0] * v[0]);
                if (kind->transparent)
                        ret[3] = (uint8_t)(v[0] * 10);
                return;
        }
        for (unsigned c = 0; c < 3; c++)
                ret[c] = (uint8_t)(v[n >= 3 ? c : 0] * 255 / max);
        if (n == 2 || n == 4)
                ret[3] = (uint8_t)v[n - 1];
        else if (kind->transparent && v[0] == level(3, 2, 0, kind->depth))
                ret[3] = 0;
}

static void png_kinds(void **state)
{
        static const struct kind kinds[] = {
                {"grey1", PNG_COLOR_TYPE_GRAY, 1, 0, false},
                {"grey4", PNG_COLOR_TYPE_GRAY, 4, 0, false},
                {"grey8", PNG_COLOR_TYPE_GRAY, 8, 0, false},
                {"grey16", PNG_COLOR_TYPE_GRAY, 16, 0, false},
                {"greykey", PNG_COLOR_TYPE_GRAY, 8, 0, true},
                {"greyalpha", PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0, false},
                {"palette4", PNG_COLOR_TYPE_PALETTE, 4, 0, false},
                {"palettealpha", PNG_COLOR_TYPE_PALETTE, 4, 0, true},
                {"rgb8", PNG_COLOR_TYPE_RGB, 8, 0, false},
                {"rgb16", PNG_COLOR_TYPE_RGB, 16, 0, false},
                {"rgba8", PNG_COLOR_TYPE_RGB_ALPHA, 8, 0, false},
                {"rgba16", PNG_COLOR_TYPE_RGB_ALPHA, 16, 1, false},
                {"interlaced", PNG_COLOR_TYPE_RGB, 8, 1, false},
                {"interlaced1", PNG_COLOR_TYPE_GRAY, 1, 1, false},
                {"interlacedpalette", PNG_COLOR_TYPE_PALETTE, 4, 1, true},
        };

        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
                struct picture picture;
                char why[256];

                assert_int_equal(picture_read(write_kind(&kinds[k]), &picture, why, sizeof why), 0);
                assert_int_equal(picture.width, W);
                assert_int_equal(picture.height, H);
                for (int y = 0; y < H; y++)
                        for (int x = 0; x < W; x++) {
                                const uint8_t *got = picture.rgba + (y * W + x) * 4;
                                uint8_t want[4];

                                expect(&kinds[k], x, y, want);
                                if (memcmp(got, want, 4))
                                        fail_msg("%s at %d,%d: %d %d %d %d, not %d %d %d %d", kinds[k].name, x, y,
                                                 got[0], got[1], got[2], got[3], want[0], want[1], want[2], want[3]);
                        }
                picture_free(&picture);
                assert_null(picture.rgba);
        }
}

static void indexed_kinds(void **state)
{
        static const struct kind kinds[] = {
                {"grey8", PNG_COLOR_TYPE_GRAY, 8, 0, false},
                {"greykey", PNG_COLOR_TYPE_GRAY, 8, 0, true},
                {"grey8interlaced", PNG_COLOR_TYPE_GRAY, 8, 1, false},
                {"palette4", PNG_COLOR_TYPE_PALETTE, 4, 0, false},
                {"palettealpha", PNG_COLOR_TYPE_PALETTE, 4, 0, true},
                {"palette8", PNG_COLOR_TYPE_PALETTE, 8, 0, false}, /* indices beyond its palette of 16 */
                {"palette4interlaced", PNG_COLOR_TYPE_PALETTE, 4, 1, false},
        };

        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
                struct picture_indexed picture;

                assert_int_equal(picture_read_png_indexed(write_kind(&kinds[k]), &picture, NULL, 0), 0);
                assert_int_equal(picture.width, W);
                assert_int_equal(picture.height, H);
                for (int y = 0; y < H; y++)
                        for (int x = 0; x < W; x++)
                                assert_int_equal(picture.index[y * W + x], level(x, y, 0, kinds[k].depth));
                free(picture.index);
        }
}

static size_t make_jpeg(const char *name, int subsampling, int format)
{
        tjhandle handle = tjInitCompress();
        uint8_t pixels[W * H * 4], *out = NULL;
        unsigned long size = 0;

        for (int i = 0; i < W * H; i++)
                for (int c = 0; c < 4; c++)
                        pixels[i * 4 + c] = (uint8_t)(i % W * 12);
        assert_int_equal(tjCompress2(handle, pixels, W, 0, H, format, &out, &size, subsampling, 95, 0), 0);
        temporary_file(name, out, size);
        tjFree(out);
        tjDestroy(handle);
        return size;
}

static void jpeg_kinds(void **state)
{
        static const int kinds[] = {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_GRAY};

        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
                struct picture picture;

                make_jpeg("picture.jpg", kinds[k], TJPF_RGBX);
                assert_int_equal(picture_read(temporary_path("", "picture.jpg"), &picture, NULL, 0), 0);
                for (int i = 0; i < W * H; i++) {
                        assert_in_range(picture.rgba[i * 4] + 8, i % W * 12, i % W * 12 + 16);
                        assert_in_range(picture.rgba[i * 4 + 2] + 8, i % W * 12, i % W * 12 + 16);
                        assert_int_equal(picture.rgba[i * 4 + 3], 255);
                }
                picture_free(&picture);
        }
}

/* In the upright picture, red grows to the right and green downwards.  The file stores it like a camera that was held
 * in one of eight orientations. */
static size_t make_turned(const char *name, unsigned orientation, const char *exif, size_t exif_size)
{
        /* Where the first row and the first column of the file are seen, from the EXIF standard. */
        static const char *const sides[9] = {
                [1] = "top left", [2] = "top right", [3] = "bottom right", [4] = "bottom left",
                [5] = "left top", [6] = "right top", [7] = "right bottom", [8] = "left bottom"};
        const char *row = sides[orientation], *column = strchr(row, ' ') + 1;
        const int width = orientation < 5 ? 48 : 32, height = orientation < 5 ? 32 : 48; /* of the file */
        uint8_t pixels[48 * 32 * 3], *out = NULL, file[8192];
        tjhandle handle = tjInitCompress();
        unsigned long size = 0;

        for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++) {
                        int down = 0, right = 0;

                        for (int i = 0; i < 2; i++) {
                                const char *side = i ? column : row;
                                int way = i ? x : y, far = (i ? width : height) - 1;

                                if (*side == 't' || *side == 'b')
                                        down = *side == 't' ? way : far - way;
                                else
                                        right = *side == 'l' ? way : far - way;
                        }
                        pixels[(y * width + x) * 3] = (uint8_t)(right * 5);
                        pixels[(y * width + x) * 3 + 1] = (uint8_t)(down * 7);
                        pixels[(y * width + x) * 3 + 2] = 0;
                }
        assert_int_equal(tjCompress2(handle, pixels, width, 0, height, TJPF_RGB, &out, &size, TJSAMP_444, 100, 0), 0);
        memcpy(file, out, 2);
        memcpy(file + 2, exif, exif_size);
        memcpy(file + 2 + exif_size, out + 2, size - 2);
        temporary_file(name, file, size + exif_size);
        tjFree(out);
        tjDestroy(handle);
        return size + exif_size;
}

/* An APP1 segment with two entries, of which the second is the orientation. */
static size_t make_exif(bool little, unsigned orientation, char exif[64])
{
        static const char big[] = "\xff\xe1\0\x2e"
                                  "Exif\0\0"
                                  "MM\0*\0\0\0\x08"
                                  "\0\2"
                                  "\1\0\0\4\0\0\0\1\0\0\0\x30"
                                  "\1\x12\0\3\0\0\0\1\0#\0\0"
                                  "\0\0\0\0",
                          small[] = "\xff\xe1\0\x2e"
                                    "Exif\0\0"
                                    "II*\0\x08\0\0\0"
                                    "\2\0"
                                    "\0\1\4\0\1\0\0\0\x30\0\0\0"
                                    "\x12\1\3\0\1\0\0\0#\0\0\0"
                                    "\0\0\0\0";
        const size_t size = sizeof big - 1;

        memcpy(exif, little ? small : big, size);
        *(char *)memchr(exif, '#', size) = (char)orientation;
        return size;
}

static void orientations(void **state)
{
        for (unsigned orientation = 1; orientation <= 8; orientation++)
                for (int little = 0; little < 2; little++) {
                        struct picture picture;
                        char exif[64];

                        make_turned("turned.jpg", orientation, exif, make_exif(little, orientation, exif));
                        assert_int_equal(picture_read(temporary_path("", "turned.jpg"), &picture, NULL, 0), 0);
                        assert_int_equal(picture.width, 48);
                        assert_int_equal(picture.height, 32);
                        for (int y = 0; y < 32; y++)
                                for (int x = 0; x < 48; x++) {
                                        const uint8_t *got = picture.rgba + (y * 48 + x) * 4;

                                        if (abs(got[0] - x * 5) > 4 || abs(got[1] - y * 7) > 4 || got[3] != 255)
                                                fail_msg("orientation %u at %d,%d: %d %d", orientation, x, y, got[0],
                                                         got[1]);
                                }
                        picture_free(&picture);
                }
}

/* EXIF data that cannot be understood does not change the picture. */
static void no_orientation(void **state)
{
        char exif[64];
        const size_t size = make_exif(true, 6, exif);

        for (size_t at = 10; at < size; at++)
                for (int bits = 1; bits < 256; bits <<= 1) {
                        struct picture picture;

                        exif[at] ^= (char)bits;
                        make_turned("odd.jpg", 1, exif, size);
                        assert_int_equal(picture_read(temporary_path("", "odd.jpg"), &picture, NULL, 0), 0);
                        assert_int_equal(picture.width + picture.height, 48 + 32);
                        picture_free(&picture);
                        exif[at] ^= (char)bits;
                }
        for (int orientation = 9; orientation < 256; orientation += 13) {
                struct picture picture;

                make_turned("odd.jpg", 1, exif, make_exif(false, (unsigned)orientation, exif));
                assert_int_equal(picture_read(temporary_path("", "odd.jpg"), &picture, NULL, 0), 0);
                assert_int_equal(picture.width, 48);
                picture_free(&picture);
        }
}

static void refuse(const char *path, int error, const char *text)
{
        struct picture picture = {.width = 77};
        char why[300] = "";

        assert_int_equal(picture_read(path, &picture, why, sizeof why), error);
        assert_int_equal(picture.width, 77);
        if (!strstr(why, text))
                fail_msg("\"%s\" does not say \"%s\"", why, text);
}

static void refuse_indexed(const char *path, int error, const char *text)
{
        struct picture_indexed picture = {.width = 77};
        char why[300] = "";

        assert_int_equal(picture_read_png_indexed(path, &picture, why, sizeof why), error);
        assert_int_equal(picture.width, 77);
        if (!strstr(why, text))
                fail_msg("\"%s\" does not say \"%s\"", why, text);
}

static void not_indexed(void **state)
{
        static const struct kind kinds[] = {
                {"rgb8", PNG_COLOR_TYPE_RGB, 8, 0, false},         {"rgba8", PNG_COLOR_TYPE_RGB_ALPHA, 8, 0, false},
                {"grey1", PNG_COLOR_TYPE_GRAY, 1, 0, false},       {"grey16", PNG_COLOR_TYPE_GRAY, 16, 0, false},
                {"greya", PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0, false},
        };

        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
                refuse_indexed(write_kind(&kinds[k]), -EBADMSG, "neither paletted nor 8-bit grey");
        refuse_indexed(temporary_file("text.png", "GIF89a......", 12), -EBADMSG, "not a PNG");
        refuse_indexed(temporary_path("", "nothing.png"), -ENOENT, "no such file");
}

static void damaged(void **state)
{
        static const struct kind kind = {"whole", PNG_COLOR_TYPE_RGB, 8, 0, false};
        uint8_t data[8192];
        size_t size;
        FILE *file = fopen(write_kind(&kind), "rb");

        size = fread(data, 1, sizeof data, file);
        fclose(file);
        for (size_t n = 1; n < size; n += 5)
                refuse(temporary_file("cut.png", data, n), -EBADMSG, n < 8 ? "neither" : "damaged");
        for (size_t at = 8; at < size - 12; at += 3) {
                data[at] ^= 0x10;
                refuse(temporary_file("flip.png", data, size), -EBADMSG, "damaged");
                data[at] ^= 0x10;
        }
        size = make_jpeg("whole.jpg", TJSAMP_420, TJPF_RGBX);
        file = fopen(temporary_path("", "whole.jpg"), "rb");
        assert_int_equal(fread(data, 1, sizeof data, file), size);
        fclose(file);
        for (size_t n = 1; n < size; n += 7)
                refuse(temporary_file("cut.jpg", data, n), -EBADMSG, n < 3 ? "neither" : "damaged");
        make_jpeg("cmyk.jpg", TJSAMP_444, TJPF_CMYK);
        refuse(temporary_path("", "cmyk.jpg"), -EBADMSG, "RGB");
}

static void too_large(void **state)
{
        /* IHDR of 20000 x 4 with the right checksum, computed by zlib's crc32(). */
        static const uint8_t head[] = {0x89, 'P', 'N', 'G',  '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D',
                                       'R',  0,   0,   0x4e, 0x20, 0,    0,    0,    4, 8, 2, 0,  0,   0};
        uint8_t data[sizeof head + 4 + 12] = {0};
        uint32_t crc = 0xffffffff;

        memcpy(data, head, sizeof head);
        for (size_t i = 12; i < sizeof head; i++) {
                crc ^= head[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
        for (int i = 0; i < 4; i++)
                data[sizeof head + (size_t)i] = (uint8_t)(~crc >> (24 - 8 * i));
        memcpy(data + sizeof head + 4, "\0\0\0\0IDAT", 8);
        refuse(temporary_file("wide.png", data, sizeof data), -E2BIG, "16384");

        temporary_file("sparse.png", "\x89PNG\r\n\x1a\n", 8);
        assert_int_equal(truncate(temporary_path("", "sparse.png"), 300l << 20), 0);
        refuse(temporary_path("", "sparse.png"), -E2BIG, "256 MiB");
}

/* A text chunk that claims 512 MiB in a file of 45 bytes must not make the reader allocate them. */
static void long_claim(void **state)
{
        static const uint8_t file[] = "\x89PNG\r\n\x1a\n"
                                      "\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0\x3a\x7e\x9b\x55"
                                      "\x20\0\0\0tEXtabc";
        struct rusage before, after;

        getrusage(RUSAGE_SELF, &before);
        refuse(temporary_file("claim.png", file, sizeof file - 1), -EBADMSG, "claim.png");
        getrusage(RUSAGE_SELF, &after);
        assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10); /* KiB */
}

static void no_file(void **state)
{
        refuse(temporary_path("", "nothing.png"), -ENOENT, "no such file");
        refuse(temporary, -EISDIR, "folder");
        refuse("/dev/null", -EBADMSG, "name a PNG");
        refuse(temporary_file("empty.png", "", 0), -EBADMSG, "empty");
        refuse(temporary_file("text.png", "GIF89a......", 12), -EBADMSG, "neither PNG nor JPEG");
        assert_int_equal(mkfifo(temporary_path("", "fifo"), 0600), 0);
        refuse(temporary_path("", "fifo"), -EBADMSG, "not a file");
        if (geteuid()) {
                temporary_file("secret.png", "x", 1);
                chmod(temporary_path("", "secret.png"), 0);
                refuse(temporary_path("", "secret.png"), -EACCES, "permission denied");
        }
}

/* picture_look() finds the same errors without reading the whole file. */
static void looked_at(void **state)
{
        char why[300];

        make_jpeg("look.jpg", TJSAMP_420, TJPF_RGBX);
        assert_int_equal(picture_look(temporary_path("", "look.jpg"), why, sizeof why), 0);
        assert_int_equal(picture_look(temporary_file("look.png", "\x89PNG\r\n\x1a\n", 8), why, sizeof why), 0);
        assert_int_equal(picture_look(temporary_file("look.txt", "GIF89a......", 12), why, sizeof why), -EBADMSG);
        assert_non_null(strstr(why, "neither PNG nor JPEG"));
        assert_int_equal(picture_look(temporary_path("", "nothing.png"), why, sizeof why), -ENOENT);
        assert_int_equal(picture_look(temporary, why, sizeof why), -EISDIR);
}

static void no_permission(void **state)
{
        char path[256];

        if (geteuid())
                skip();
        temporary_file("secret.png", "x", 1);
        snprintf(path, sizeof path, "%s", temporary_path("", "secret.png"));
        chmod(path, 0);
        assert_int_equal(seteuid(65534), 0);
        chmod(temporary, 0755);
        refuse(path, -EACCES, "permission denied");
        assert_int_equal(seteuid(0), 0);
}

static void written(void **state)
{
        uint8_t rgba[5 * 3 * 4], index[5 * 3], palette[] = {1, 2, 3, 250, 251, 252, 7, 8, 9};
        const char *path = temporary_path("", "out.png");
        struct picture picture;
        struct stat st;

        for (size_t i = 0; i < sizeof rgba; i++)
                rgba[i] = (uint8_t)(i * 4);
        umask(027);
        assert_int_equal(picture_write_png(path, 5, 3, rgba), 0);
        assert_int_equal(picture_read(path, &picture, NULL, 0), 0);
        assert_int_equal(picture.width, 5);
        for (size_t i = 0; i < sizeof rgba; i++)
                assert_int_equal(picture.rgba[i], i % 4 == 3 ? 255 : rgba[i]);
        picture_free(&picture);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0640); /* exactly as the umask says */

        for (size_t i = 0; i < sizeof index; i++)
                index[i] = (uint8_t)(i % 3);
        assert_int_equal(picture_write_png_indexed(path, 5, 3, index, palette, 3), 0);
        assert_int_equal(picture_read(path, &picture, NULL, 0), 0);
        for (size_t i = 0; i < sizeof index; i++)
                assert_memory_equal(picture.rgba + i * 4, palette + i % 3 * 3, 3);
        picture_free(&picture);

        assert_int_equal(picture_write_png_indexed(path, 5, 3, index, palette, 2), -EINVAL);
        assert_int_equal(picture_write_png_indexed(path, 5, 3, index, palette, 0), -EINVAL);
        assert_int_equal(picture_write_png_indexed(path, 5, 3, index, palette, 257), -EINVAL);
        assert_int_equal(picture_write_png(path, 0, 3, rgba), -EINVAL);
        assert_int_equal(picture_write_png(path, 16385, 3, rgba), -EINVAL);
        assert_int_equal(picture_write_png(temporary_path("", "no/folder.png"), 5, 3, rgba), -ENOENT);
        assert_int_equal(picture_write_png("/dev/full/x.png", 5, 3, rgba), -ENOTDIR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(png_kinds),  cmocka_unit_test(indexed_kinds), cmocka_unit_test(not_indexed),
                cmocka_unit_test(jpeg_kinds), cmocka_unit_test(damaged),       cmocka_unit_test(too_large),
                cmocka_unit_test(no_file),    cmocka_unit_test(no_permission), cmocka_unit_test(written),
                cmocka_unit_test(long_claim), cmocka_unit_test(orientations),  cmocka_unit_test(no_orientation),
                cmocka_unit_test(looked_at),
        };

        return cmocka_run_group_tests_name("v4l2/picture", tests, temporary_make, temporary_remove);
}
