/* Picture files, as pictures and as labels. */
#include <errno.h>
#include <string.h>
#include <turbojpeg.h>

#include "tests/fuzz/fuzz.h"
#include "v4l2/files/picture.h"

#define SIDE_MAX 16384       /* of picture.c, which must refuse larger ones */
#define PIXELS_MAX (1 << 20) /* larger pictures, up to SIDE_MAX, only take memory and time */

static uint32_t be32(const uint8_t *data)
{
        return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static uint64_t clamp_area(uint64_t width, uint64_t height)
{
        return width > SIDE_MAX || height > SIDE_MAX ? 0 : width * height;
}

/* How many pixels the file claims to have; 0: unknown, or out of bounds. */
static uint64_t claimed_pixels(const uint8_t *data, size_t size)
{
        int width = 0, height = 0, subsampling, colour;
        tjhandle handle;
        bool known;

        if (size >= 24 && memcmp(data, "\x89PNG", 4) == 0)
                return clamp_area(be32(data + 16), be32(data + 20));
        if (size < 3 || memcmp(data, "\xff\xd8\xff", 3) != 0)
                return 0;
        handle = tjInitDecompress();
        MUST(handle);
        known = !tjDecompressHeader3(handle, data, size, &width, &height, &subsampling, &colour);
        tjDestroy(handle);
        return known && width > 0 && height > 0 ? clamp_area((uint64_t)width, (uint64_t)height) : 0;
}

/* Reading a file twice must give the same sum.  Bytes that were never written would sometimes differ. */
static void read_picture(const char *path, uint32_t *ret_sum)
{
        struct picture picture;
        char why[256] = "";
        int r = picture_read(path, &picture, why, sizeof why);

        MUST(r == 0 || r == -EBADMSG || r == -E2BIG);
        *ret_sum = 0;
        if (r < 0) {
                line_check(why);
                return;
        }
        MUST(picture.width >= 1 && picture.height >= 1 && picture.width <= SIDE_MAX && picture.height <= SIDE_MAX);
        *ret_sum = bytes_sum(picture.rgba, (size_t)picture.width * picture.height * 4);
        picture_free(&picture);
}

static void read_indexed(const char *path)
{
        struct picture_indexed picture;
        char why[256] = "";
        int r = picture_read_png_indexed(path, &picture, why, sizeof why);

        MUST(r == 0 || r == -EBADMSG || r == -E2BIG);
        if (r < 0) {
                line_check(why);
                return;
        }
        MUST(picture.width >= 1 && picture.height >= 1 && picture.width <= SIDE_MAX && picture.height <= SIDE_MAX);
        bytes_sum(picture.index, (size_t)picture.width * picture.height);
        free(picture.index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint32_t once, twice;
        const char *path;

        if (claimed_pixels(data, size) > PIXELS_MAX)
                return 0;
        path = memory_file(data, size, size);
        read_picture(path, &once);
        read_picture(path, &twice);
        MUST(once == twice);
        read_indexed(path);
        return 0;
}
