#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdbool.h>

#include "tests/cm.h"
#include "tests/v4l2/temporary.h"
#include "v4l2/camera.h"
#include "v4l2/files/motion.h"
#include "v4l2/files/picture.h"
#include "v4l2/frame-timer.h"

static uint32_t noise(uint32_t n)
{
        n ^= n << 13;
        n ^= n >> 17;
        return n ^ n << 5;
}

static uint8_t *paint(uint32_t width, uint32_t height)
{
        uint8_t *rgba = malloc((size_t)width * height * 4);

        for (uint32_t i = 0; i < width * height * 4; i++)
                rgba[i] = (uint8_t)noise(i + 1);
        return rgba;
}

static const char *store(const char *name, uint32_t width, uint32_t height, const uint8_t *rgba)
{
        const char *path = temporary_path("image:", name);

        assert_int_equal(picture_write_png(path + 6, width, height, rgba), 0);
        return path;
}

static struct camera *open_picture(const char *spec, uint32_t width, uint32_t height, uint32_t rate)
{
        const struct camera_wish wish = {width, height, {rate, 1}};
        struct camera *camera;
        char why[256] = "";

        if (camera_open(spec, &wish, &camera, why, sizeof why))
                fail_msg("%s", why);
        return camera;
}

static struct frame next(struct camera *camera)
{
        struct frame frame;
        int r;

        while ((r = camera_next(camera, &frame)) == -EAGAIN)
                poll(&(struct pollfd){.fd = camera_fd(camera), .events = POLLIN}, 1, -1);
        assert_int_equal(r, 0);
        return frame;
}

/* At its own size, a still picture is unchanged. */
static void at_rest(void **state)
{
        uint8_t *rgba = paint(64, 48);
        struct camera *camera = open_picture(store("rest.png", 64, 48, rgba), 0, 0, 0);
        const struct frame_format *format = camera_format(camera);
        struct frame frame;

        assert_int_equal(format->fourcc, V4L2_PIX_FMT_RGB24);
        assert_int_equal(format->width, 64);
        assert_int_equal(format->height, 48);
        assert_int_equal(format->stride, 192);
        assert_int_equal(camera_rate(camera).numerator, 30);
        assert_int_equal(camera_start(camera), 0);
        for (int n = 0; n < 2; n++) {
                frame = next(camera);
                for (int i = 0; i < 64 * 48; i++)
                        assert_memory_equal(frame.data + i * 3, rgba + i * 4, 3);
                assert_int_equal(camera_release(camera, &frame), 0);
        }
        camera_stop(camera);
        assert_int_equal(camera_next(camera, &frame), -EIO);
        camera_close(camera);
        free(rgba);
}

/* A frame has the time at which it was due, not that at which it is read. */
static void late(void **state)
{
        uint8_t *rgba = paint(8, 8);
        struct camera *camera = open_picture(store("late.png", 8, 8, rgba), 0, 0, 1);

        const uint64_t before = monotonic_now();
        camera_start(camera);
        assert_int_equal(poll(&(struct pollfd){.fd = camera_fd(camera), .events = POLLIN}, 1, 10000), 1);
        const uint64_t due = monotonic_now();
        poll(NULL, 0, 20);
        const struct frame frame = next(camera);
        assert_true(frame.time_ns > before && frame.time_ns <= due);
        camera_close(camera);
        free(rgba);
}

static void sizes(void **state)
{
        static const struct {
                uint32_t width, height, wish_width, wish_height, want_width, want_height;
        } cases[] = {
                {65, 49, 0, 0, 64, 48},        {3840, 40, 0, 0, 1280, 12},   {40, 2160, 0, 0, 12, 720},
                {2560, 1440, 0, 0, 1280, 720}, {64, 48, 640, 480, 640, 480}, {64, 48, 320, 0, 320, 240},
                {64, 48, 0, 240, 320, 240},    {1, 1, 0, 0, 2, 2},           {64, 48, 641, 481, 640, 480},
                {64, 48, 1, 1, 2, 2},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                uint8_t *rgba = paint(cases[i].width, cases[i].height);
                struct camera *camera = open_picture(store("size.png", cases[i].width, cases[i].height, rgba),
                                                     cases[i].wish_width, cases[i].wish_height, 0);

                assert_int_equal(camera_format(camera)->width, cases[i].want_width);
                assert_int_equal(camera_format(camera)->height, cases[i].want_height);
                camera_close(camera);
                free(rgba);
        }
}

/* At an eighth of the size, each pixel is the mean of its block, whichever way it is computed. */
static void shrunk(void **state)
{
        uint8_t *rgba = paint(128, 128);
        struct camera *camera = open_picture(store("large.png", 128, 128, rgba), 16, 16, 500);
        struct frame frame;

        camera_start(camera);
        frame = next(camera);
        for (int y = 0; y < 16; y++)
                for (int x = 0; x < 16; x++)
                        for (int c = 0; c < 3; c++) {
                                int sum = 0;

                                for (int i = 0; i < 64; i++)
                                        sum += rgba[((y * 8 + i / 8) * 128 + x * 8 + i % 8) * 4 + c];
                                assert_int_equal(frame.data[(y * 16 + x) * 3 + c], (sum + 32) / 64);
                        }
        camera_close(camera);
        free(rgba);
}

/* If the wish has other proportions, the picture is cropped, not squeezed. */
static void proportions(void **state)
{
        uint8_t *rgba = paint(64, 32);
        struct camera *camera = open_picture(store("wide.png", 64, 32, rgba), 32, 32, 500);
        struct frame frame;

        camera_start(camera);
        frame = next(camera);
        for (int y = 0; y < 32; y++)
                for (int x = 0; x < 32; x++)
                        assert_memory_equal(frame.data + (y * 32 + x) * 3, rgba + (y * 64 + x + 16) * 4, 3);
        camera_close(camera);
        free(rgba);
}

/* The picture depends on the frame's number and on nothing else. */
static void deterministic(void **state)
{
        uint8_t *rgba = paint(64, 48), *drawn = malloc(64 * 48 * 3);
        char spec[256];
        struct camera *camera;
        uint32_t last = 0;

        snprintf(spec, sizeof spec, "%s?move", store("move.png", 64, 48, rgba));
        for (int turn = 0; turn < 2; turn++) {
                camera = open_picture(spec, 0, 0, 1000);
                camera_start(camera);
                for (int n = 0; n < 20; n++) {
                        struct frame frame = next(camera);
                        struct motion_map map = motion_at(motion_rest(64, 48, 64, 48), 64, 48, frame.sequence);

                        assert_true(!n || frame.sequence > last);
                        last = frame.sequence;
                        motion_draw(&map, rgba, 64, 48, drawn, 64, 48);
                        assert_memory_equal(frame.data, drawn, 64 * 48 * 3);
                        camera_release(camera, &frame);
                }
                assert_int_equal(camera_counters(camera)->captured, last + 1);
                assert_int_equal(camera_counters(camera)->stale, last + 1 - 20);
                camera_close(camera);
        }
        free(drawn);
        free(rgba);
}

/* The motion is slow and small, but real: no corner of the picture moves more than a few pixels per frame, or far
 * away. */
static void motion(void **state)
{
        struct motion_map rest = motion_rest(640, 480, 640, 480), last = rest;
        double most = 0;

        assert_true(motion_at(rest, 640, 480, 0).origin_u == 0);
        for (uint64_t n = 0; n < 2000; n++) {
                struct motion_map map = motion_at(rest, 640, 480, n);
                double step = map.origin_u - last.origin_u, zoom = map.step[0];

                assert_true(n == 0 || (step < 4 && step > -4));
                assert_true(zoom > 0.88 && zoom < 1.12);
                assert_true(map.step[2] < 0.08 && map.step[2] > -0.08);
                if (map.origin_u > most)
                        most = map.origin_u;
                last = map;
        }
        assert_true(most > 20 && most < 100);
}

static void edges(void **state)
{
        static const uint8_t rgba[] = {10, 20, 30, 0, 111, 120, 130, 0};
        const struct motion_map map = {-2, -5, {0.5, 0, 0, 1}};
        uint8_t rgb[8 * 3];

        motion_draw(&map, rgba, 2, 1, rgb, 8, 1);
        assert_memory_equal(rgb, ((uint8_t[]){10, 20, 30}), 3);
        assert_memory_equal(rgb + 4 * 3, ((uint8_t[]){10, 20, 30}), 3);
        assert_memory_equal(rgb + 5 * 3, ((uint8_t[]){61, 70, 80}), 3); /* half way, rounded */
        assert_memory_equal(rgb + 7 * 3, ((uint8_t[]){111, 120, 130}), 3);
}

/* Frames come at the requested rate: of two cameras that are read for the same time, the faster one delivers more. */
static void rates(void **state)
{
        uint8_t *rgba = paint(4, 4);
        const char *spec = store("tiny.png", 4, 4, rgba);
        struct camera *fast = open_picture(spec, 0, 0, 100), *slow = open_picture(spec, 0, 0, 10);
        struct frame frame;

        assert_int_equal(camera_rate(fast).numerator, 100);
        camera_start(fast);
        camera_start(slow);
        frame = next(slow);
        assert_int_equal(frame.sequence, 0);
        camera_release(slow, &frame);
        frame = next(fast);
        assert_in_range(frame.sequence, 8, 1000000); /* nine of its periods have passed at least */
        camera_close(fast);
        camera_close(slow);
        free(rgba);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(at_rest), cmocka_unit_test(late),        cmocka_unit_test(sizes),
                cmocka_unit_test(shrunk),  cmocka_unit_test(proportions), cmocka_unit_test(deterministic),
                cmocka_unit_test(motion),  cmocka_unit_test(edges),       cmocka_unit_test(rates),
        };

        return cmocka_run_group_tests_name("v4l2/still", tests, temporary_make, temporary_remove);
}
