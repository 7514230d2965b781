/* A camera whose pictures take long to decode does not block its caller, and does not deliver old pictures.  The
 * linker's --wrap replaces jpeg_decode() with a function of this file. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "tests/cm.h"
#include "tests/v4l2/fake-node.h"
#include "v4l2/camera.h"
#include "v4l2/capture/threaded.h"
#include "v4l2/frame-timer.h"
#include "v4l2/jpeg.h"

#define W 64
#define H 48
#define MS 1000000ull
#define PROMPT_NS (50 * MS) /* at once, with allowance for a busy machine */

static const struct fake_format mjpeg = {V4L2_PIX_FMT_MJPEG, {{W, H, {30}}}};

int __wrap_jpeg_decode(struct jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *frame);

static const uint8_t *decoded_to;

/* A picture is two bytes: how long it takes to decode, in units of 10 ms, and the shade of the result; 0 is a
 * damaged one. */
int __wrap_jpeg_decode(struct jpeg *jpeg, const uint8_t *data, size_t size, uint8_t *frame)
{
        usleep(data[0] * 10000u);
        if (!data[1])
                return -EBADMSG;
        memset(frame, data[1], W * H * 2);
        decoded_to = frame;
        return 0;
}

static struct camera *camera;

static void expose(uint8_t ten_ms, uint8_t shade)
{
        uint8_t *memory;

        fake_lock();
        memory = fake_capture(2, 0, 0);
        assert_non_null(memory);
        memory[0] = ten_ms;
        memory[1] = shade;
        fake_unlock();
}

static bool await(int ms)
{
        return poll(&(struct pollfd){.fd = camera_fd(camera), .events = POLLIN}, 1, ms) == 1;
}

/* What an event loop does with a frame.  None of it may block. */
static int next(uint8_t *ret_shade)
{
        const uint64_t begin = monotonic_now();
        struct frame frame;
        int r = camera_next(camera, &frame);

        if (!r) {
                *ret_shade = frame.data[0];
                assert_int_equal(frame.data[W * H * 2 - 1], frame.data[0]);
                r = camera_release(camera, &frame);
        }
        assert_true(monotonic_now() - begin < PROMPT_NS);
        return r;
}

static int setup(void **state)
{
        const struct camera_wish wish = {W, H, {30, 1}};

        fake_reset();
        fake.formats = &mjpeg;
        fake.formats_n = 1;
        assert_int_equal(camera_open("/dev/null", &wish, &camera, NULL, 0), 0);
        assert_int_equal(camera_start(camera), 0);
        return 0;
}

static int teardown(void **state)
{
        camera_close(camera);
        fake_reset();
        return 0;
}

static void nobody_waits(void **state)
{
        unsigned turns = 0;
        uint8_t shade;

        expose(20, 7);
        for (int r = -EAGAIN; r; turns++) {
                r = next(&shade);
                usleep(1000);
        }
        assert_true(turns > 20);
        assert_int_equal(shade, 7);
        assert_int_equal(camera_counters(camera)->captured, 1);
}

/* The picture is handed out where it was decoded, and stays there while others are decoded. */
static void without_a_copy(void **state)
{
        const uint8_t *first;
        struct frame frame;

        expose(0, 1);
        assert_true(await(10000));
        assert_int_equal(camera_next(camera, &frame), 0);
        first = decoded_to;
        assert_ptr_equal(frame.data, first);
        for (uint8_t i = 2; i < 5; i++) {
                expose(0, i);
                assert_true(await(10000));
                usleep(20000);
                assert_ptr_not_equal(decoded_to, first);
        }
        assert_int_equal(frame.data[0], 1);
        assert_int_equal(camera_release(camera, &frame), 0);
}

/* A picture that exceeds its budget is dropped, and the newest that came meanwhile is delivered next. */
static void over_the_budget(void **state)
{
        uint8_t shade;

        expose(THREADED_BUDGET_NS / MS / 10 + 5, 1);
        usleep(50000);
        expose(0, 2);
        expose(0, 3);
        assert_true(await(10000));
        while (next(&shade) == -EAGAIN)
                assert_true(await(10000));
        assert_int_equal(shade, 3);
        assert_int_equal(next(&shade), -EAGAIN);
        assert_int_equal(camera_counters(camera)->captured, 3);
        assert_int_equal(camera_counters(camera)->stale, 2);
        assert_int_equal(camera_counters(camera)->corrupt, 0);
}

/* A stream of nothing but such pictures gives no frames.  That is how a stalled camera is recognised. */
static void always_too_slow(void **state)
{
        uint8_t shade;

        for (int i = 0; i < 4; i++) {
                expose(THREADED_BUDGET_NS / MS / 10 + 5, 9);
                assert_true(await(10000));
                assert_int_equal(next(&shade), -EAGAIN);
        }
        assert_int_equal(camera_counters(camera)->stale, 4);
}

/* The newest decoded picture is delivered. */
static void newest_first(void **state)
{
        uint8_t shade;

        for (uint8_t i = 1; i < 9; i++) {
                expose(0, i);
                assert_true(await(10000));
                usleep(20000);
        }
        assert_int_equal(next(&shade), 0);
        assert_int_equal(shade, 8);
        assert_int_equal(camera_counters(camera)->stale, 7);
}

static void damaged(void **state)
{
        uint8_t shade;

        expose(0, 0);
        assert_true(await(10000));
        assert_int_equal(next(&shade), -EAGAIN);
        assert_int_equal(camera_counters(camera)->corrupt, 1);
        assert_false(await(0));
}

/* An error is reported after the last frame, and then at every call. */
static void unplugged(void **state)
{
        uint8_t shade;

        fake_lock();
        fake.fail_request = VIDIOC_DQBUF;
        fake.fail_errno = ENODEV;
        expose(0, 1);
        fake_unlock();
        for (int i = 0; i < 3; i++) {
                assert_true(await(10000));
                assert_int_equal(next(&shade), -ENODEV);
        }
        fake.fail_request = 0;
}

/* The camera can be stopped while it decodes.  After the next start, it does not deliver that picture. */
static void stopped_and_started(void **state)
{
        uint8_t shade;

        expose(10, 1);
        usleep(20000);
        camera_stop(camera);
        assert_int_equal(camera_start(camera), 0);
        assert_false(await(0));
        expose(0, 2);
        assert_true(await(10000));
        assert_int_equal(next(&shade), 0);
        assert_int_equal(shade, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(nobody_waits), TEST(without_a_copy), TEST(over_the_budget), TEST(always_too_slow),
                TEST(newest_first), TEST(damaged),        TEST(unplugged),       TEST(stopped_and_started),
        };

        return cmocka_run_group_tests_name("v4l2/slow", tests, NULL, NULL);
}
