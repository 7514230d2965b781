#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "v4l2/jpeg.h"

/* Webcams (including Logitech's C920) put a few stray bytes between the last coded block and EOI in every picture.
 * Many such bytes mean that damaged codes made the decoder finish too early. */
#define STRAY_BYTES_MAX 16

/* A camera's pictures have one scan, progressive ones about ten.  Each scan takes as long to decode as a picture, so a
 * file of 100 KB with hundreds of them would block everything else for a second. */
#define SCANS_MAX 20

struct jpeg {
        uint32_t width, height;
        uint8_t *chroma[2]; /* as coded, before conversion to 4:2:2 */
};

/* Conversion of coded chroma to half the width and all rows, as shifts of the destination's coordinates. */
struct chroma_map {
        int subsampling;
        uint8_t drop_x;             /* two coded samples for each result */
        uint8_t repeat_x, repeat_y; /* two results for each coded sample */
};

static const struct chroma_map maps[] = {
        {TJSAMP_444, 1, 0, 0}, {TJSAMP_422, 0, 0, 0}, {TJSAMP_420, 0, 0, 1},
        {TJSAMP_440, 1, 0, 1}, {TJSAMP_411, 0, 1, 0},
};

int jpeg_new(uint32_t width, uint32_t height, struct jpeg **ret)
{
        struct jpeg *jpeg;

        if (!width || width & 1 || !height)
                return -EINVAL;
        jpeg = calloc(1, sizeof *jpeg);
        if (!jpeg)
                return -ENOMEM;
        jpeg->width = width;
        jpeg->height = height;
        /* TurboJPEG rounds planes up to whole chroma samples: at most 3 more columns and one more row. */
        for (int i = 0; i < 2; i++)
                jpeg->chroma[i] = malloc((size_t)(width + 4) * (height + 2));
        if (!jpeg->chroma[0] || !jpeg->chroma[1]) {
                jpeg_free(jpeg);
                return -ENOMEM;
        }
        *ret = jpeg;
        return 0;
}

void jpeg_free(struct jpeg *jpeg)
{
        if (!jpeg)
                return;
        free(jpeg->chroma[0]);
        free(jpeg->chroma[1]);
        free(jpeg);
}

bool jpeg_complaint_is_harmless(void *handle)
{
        unsigned bytes, marker;

        if (tjGetErrorCode(handle) != TJERR_WARNING)
                return false;
        /* libjpeg keeps the first warning of a picture, so nothing was wrong before the stray bytes. */
        return sscanf(tjGetErrorStr2(handle), "Corrupt JPEG data: %u extraneous bytes before marker 0x%x", &bytes,
                      &marker) == 2 &&
               bytes <= STRAY_BYTES_MAX && marker == 0xd9;
}

/* Markers without a segment, T.81 table B.1; 0 and 0xff are not markers. */
static bool stands_alone(uint8_t marker)
{
        return marker == 0 || marker == 0xff || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/* Goes from marker to marker as a decoder does, skipping the contents of segments (a thumbnail has its own scans). */
static bool has_few_scans(const uint8_t *data, size_t size)
{
        unsigned scans = 0;
        size_t at = 0;

        while (at + 4 <= size) {
                const uint8_t *found = memchr(data + at, 0xff, size - at - 3);
                const uint8_t marker = found ? found[1] : 0xd9;

                if (marker == 0xd9)
                        break;
                if (marker == 0xda && ++scans > SCANS_MAX)
                        return false;
                at = (size_t)(found - data) + (marker == 0xff ? 1 : 2);
                if (!stands_alone(marker))
                        at += (size_t)(data[at] << 8 | data[at + 1]);
        }
        return true;
}

static const struct chroma_map *find_map(int subsampling)
{
        for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
                if (maps[i].subsampling == subsampling)
                        return &maps[i];
        return NULL;
}

static void map_chroma(const struct chroma_map *map, const uint8_t *src, size_t src_stride, uint8_t *dst,
                       uint32_t width, uint32_t height)
{
        for (uint32_t y = 0; y < height; y++, dst += width) {
                const uint8_t *row = src + (y >> map->repeat_y) * src_stride;

                if (!map->drop_x && !map->repeat_x) {
                        memcpy(dst, row, width);
                        continue;
                }
                for (uint32_t x = 0; x < width; x++)
                        dst[x] = row[x << map->drop_x >> map->repeat_x];
        }
}

static int decode_planes(const struct jpeg *jpeg, tjhandle handle, const uint8_t *data, size_t size, uint8_t *planes[3],
                         int strides[3])
{
        if (!tjDecompressToYUVPlanes(handle, data, size, planes, (int)jpeg->width, strides, (int)jpeg->height,
                                     TJFLAG_LIMITSCANS))
                return 0;
        return jpeg_complaint_is_harmless(handle) ? 0 : -EBADMSG;
}

static int decode(const struct jpeg *jpeg, tjhandle handle, const uint8_t *data, size_t size, uint8_t *frame)
{
        size_t luma = (size_t)jpeg->width * jpeg->height, quarter = luma / 2;
        uint8_t *planes[3] = {frame, frame + luma, frame + luma + quarter};
        int strides[3] = {(int)jpeg->width, (int)jpeg->width / 2, (int)jpeg->width / 2};
        int width = 0, height = 0, subsampling = -1, colour = -1; /* a file with only tables succeeds and sets none */
        const struct chroma_map *map;
        int r;

        if (tjDecompressHeader3(handle, data, size, &width, &height, &subsampling, &colour))
                return -EBADMSG;
        if (width != (int)jpeg->width || height != (int)jpeg->height)
                return -EBADMSG;

        if (subsampling == TJSAMP_GRAY && colour == TJCS_GRAY) {
                r = decode_planes(jpeg, handle, data, size, planes, strides);
                if (r < 0)
                        return r;
                memset(planes[1], 128, 2 * quarter);
                return 0;
        }

        map = find_map(subsampling);
        /* If the width is not a whole number of chroma samples, the luma plane would be wider than the frame. */
        if (!map || colour != TJCS_YCbCr || tjPlaneWidth(0, width, subsampling) != width)
                return -EBADMSG;
        if (subsampling == TJSAMP_422)
                return decode_planes(jpeg, handle, data, size, planes, strides);

        /* An odd height makes the luma plane one row taller than the frame's.  That row is where chroma goes next,
         * which overwrites it. */
        strides[1] = strides[2] = tjPlaneWidth(1, width, subsampling);
        r = decode_planes(jpeg, handle, data, size, (uint8_t *[]){frame, jpeg->chroma[0], jpeg->chroma[1]}, strides);
        if (r < 0)
                return r;
        for (int i = 0; i < 2; i++)
                map_chroma(map, jpeg->chroma[i], (size_t)strides[1], planes[1 + i], jpeg->width / 2, jpeg->height);
        return 0;
}

int jpeg_decode(struct jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *frame)
{
        /* A new one for each picture (less than a microsecond): a handle keeps the tables of the previous picture, and
         * a picture that has lost its own would be decoded with those.  TurboJPEG 2.1 also gets stuck in the middle of
         * a header that it could not read. */
        tjhandle handle;
        int r;

        if (!has_few_scans(data, size))
                return -EBADMSG;
        handle = tjInitDecompress();
        if (!handle)
                return -ENOMEM;
        r = decode(jpeg, handle, data, size, frame);
        tjDestroy(handle);
        return r;
}
