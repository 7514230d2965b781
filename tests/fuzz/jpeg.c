/* Frames of an MJPEG camera, whose size is known beforehand.  There are two cameras: one whose picture consists of
 * whole blocks, and one whose picture does not and has an odd height.  Whatever a frame was, the next good one must
 * decode as it would have on its own. */
#include <errno.h>
#include <string.h>
#include <turbojpeg.h>

#include "tests/fuzz/fuzz.h"
#include "v4l2/jpeg.h"

#define INPUT_MAX (1u << 20)
#define BEFORE 64 /* bytes in front of a frame that must stay as they are */

struct good {
        uint8_t *data;
        size_t size;
};

static struct camera {
        uint32_t width, height;
        struct good good;   /* a frame with nothing wrong */
        uint8_t *expected;  /* what it decodes to */
        struct guarded out; /* where frames go */
        size_t frame_size;
} cameras[] = {{.width = 48, .height = 32}, {.width = 36, .height = 15}};

/* Which complaints the decoder has made, without the numbers in them.  libFuzzer cannot see into the decoder, so this
 * tells it that an input has reached something new. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t complaints[1024];

static void note_complaint(size_t camera)
{
        uint32_t hash = 2166136261u + (uint32_t)camera;

        for (const char *c = tjGetErrorStr(); *c; c++) {
                if (c[0] == '0' && c[1] == 'x')
                        c += 1 + strspn(c + 2, "0123456789abcdef");
                else if (*c < '0' || *c > '9')
                        hash = (hash ^ (uint8_t)*c) * 16777619u;
        }
        complaints[hash % sizeof complaints] = 1;
}

static struct good make_good(uint32_t width, uint32_t height)
{
        tjhandle handle = tjInitCompress();
        uint8_t *rgb = malloc((size_t)width * height * 3), *data = NULL;
        unsigned long size = 0;

        MUST(handle && rgb);
        for (uint32_t i = 0; i < width * height * 3; i++)
                rgb[i] = (uint8_t)(i * 7 ^ i >> 5);
        MUST(!tjCompress2(handle, rgb, (int)width, 0, (int)height, TJPF_RGB, &data, &size, TJSAMP_420, 80, 0));
        tjDestroy(handle);
        free(rgb);
        return (struct good){data, size};
}

static void prepare(struct camera *camera)
{
        struct jpeg *jpeg;

        camera->frame_size = (size_t)camera->width * camera->height * 2;
        camera->good = make_good(camera->width, camera->height);
        camera->expected = malloc(camera->frame_size);
        camera->out = guarded_new(camera->frame_size + BEFORE);
        MUST(camera->expected && jpeg_new(camera->width, camera->height, &jpeg) == 0);
        MUST(jpeg_decode(jpeg, camera->good.data, camera->good.size, camera->expected) == 0);
        jpeg_free(jpeg);
}

static int decode(const struct camera *camera, struct jpeg *jpeg, const uint8_t *data, size_t size)
{
        uint8_t *frame = guarded_take(&camera->out, camera->frame_size), *before = frame - BEFORE;
        int r;

        memset(before, 0xa5, BEFORE + camera->frame_size);
        r = jpeg_decode(jpeg, data, size, frame);
        for (unsigned i = 0; i < BEFORE; i++)
                MUST(before[i] == 0xa5);
        MUST(r == 0 || r == -EBADMSG);
        return r;
}

static void show(const struct camera *camera, const uint8_t *data, size_t size)
{
        const uint8_t *frame = guarded_take(&camera->out, camera->frame_size);
        uint8_t *first = malloc(camera->frame_size);
        struct jpeg *jpeg;
        int r;

        MUST(first && jpeg_new(camera->width, camera->height, &jpeg) == 0);
        r = decode(camera, jpeg, data, size);
        if (r < 0)
                note_complaint((size_t)(camera - cameras));
        memcpy(first, frame, camera->frame_size);

        MUST(decode(camera, jpeg, camera->good.data, camera->good.size) == 0);
        MUST(memcmp(frame, camera->expected, camera->frame_size) == 0);

        MUST(decode(camera, jpeg, data, size) == r);
        MUST(r < 0 || memcmp(frame, first, camera->frame_size) == 0);
        jpeg_free(jpeg);
        free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct guarded in;
        uint8_t *copy;

        if (!in.map) {
                in = guarded_new(INPUT_MAX);
                for (size_t i = 0; i < sizeof cameras / sizeof cameras[0]; i++)
                        prepare(&cameras[i]);
        }
        if (size > INPUT_MAX)
                return 0;
        copy = guarded_take(&in, size);
        memcpy(copy, data, size);
        for (size_t i = 0; i < sizeof cameras / sizeof cameras[0]; i++)
                show(&cameras[i], copy, size);
        return 0;
}
