#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "tests/cm.h"
#include "tests/v4l2/jpeg-file.h"

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

struct jpeg_file jpeg_file_make(int width, int height, int subsampling, int flags)
{
        uint8_t *rgb = malloc((size_t)(width * height * 3)), *out = NULL;
        tjhandle handle = tjInitCompress();
        struct jpeg_file file;
        unsigned long size = 0;

        paint(rgb, width, height);
        assert_int_equal(tjCompress2(handle, rgb, width, 0, height, TJPF_RGB, &out, &size, subsampling, 85, flags), 0);
        file = (struct jpeg_file){malloc(size + 2000), size};
        memcpy(file.data, out, size);
        tjFree(out);
        tjDestroy(handle);
        free(rgb);
        return file;
}

size_t jpeg_file_find(const struct jpeg_file *file, uint8_t marker)
{
        for (size_t at = 2; at + 4 < file->size; at += 2 + (size_t)(file->data[at + 2] << 8 | file->data[at + 3])) {
                assert_int_equal(file->data[at], 0xff);
                if (file->data[at + 1] == marker)
                        return at;
        }
        fail();
        return 0;
}

static void cut(struct jpeg_file *file, size_t at, size_t length)
{
        memmove(file->data + at, file->data + at + length, file->size - at - length);
        file->size -= length;
}

void jpeg_file_insert(struct jpeg_file *file, size_t at, const void *data, size_t length)
{
        memmove(file->data + at + length, file->data + at, file->size - at);
        memcpy(file->data + at, data, length);
        file->size += length;
}

static size_t coded(const struct jpeg_file *file)
{
        size_t at = jpeg_file_find(file, 0xda);

        return at + 2 + (size_t)(file->data[at + 2] << 8 | file->data[at + 3]);
}

void jpeg_file_cut_segments(struct jpeg_file *file, uint8_t marker, int count)
{
        while (count-- > 0) {
                size_t at = jpeg_file_find(file, marker);

                cut(file, at, 2 + (size_t)(file->data[at + 2] << 8 | file->data[at + 3]));
        }
}

void jpeg_file_strip(struct jpeg_file *file)
{
        jpeg_file_cut_segments(file, 0xc4, 4);
}

static const uint8_t many[1000] = {0x21};

void jpeg_file_break(struct jpeg_file *file, int kind)
{
        size_t sof = jpeg_file_find(file, 0xc0), dqt = jpeg_file_find(file, 0xdb), dht = jpeg_file_find(file, 0xc4),
               data = coded(file);
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
                file->data[jpeg_file_find(file, 0xda) + 1] = 0xe5;
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
                jpeg_file_insert(file, file->size - 2, many, sizeof many);
                break; /* long after the decoder has finished */
        case 28:
                file->data[sof + 1] = 0xc3;
                break; /* lossless */
        case 29:
                jpeg_file_insert(file, 2,
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
        case 32:
                jpeg_file_insert(file, jpeg_file_find(file, 0xda), "\xff\xdd\0\4\0\1", 6);
                break; /* restart markers announced that do not come */
        }
}
