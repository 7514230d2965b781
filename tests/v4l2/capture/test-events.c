#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tests/cm.h"
#include "tests/v4l2/fake-node.h"
#include "v4l2/camera.h"
#include "v4l2/sink.h"

#define NODE "/dev/null"

static const struct fake_format yuyv = {V4L2_PIX_FMT_YUYV, {{64, 48, {30}}}};

static int setup(void **state)
{
        fake_reset();
        fake.formats = &yuyv;
        fake.formats_n = 1;
        return 0;
}

static int teardown(void **state)
{
        int left = (int)fake.mapped;

        fake_reset();
        return left;
}

static struct camera *start_camera(void)
{
        const struct camera_wish wish = {64, 48, {30, 1}};
        struct camera *camera;

        assert_int_equal(camera_open(NODE, &wish, &camera, NULL, 0), 0);
        assert_int_equal(camera_start(camera), 0);
        return camera;
}

static struct sink *open_sink(void)
{
        const struct frame_format wish = {.fourcc = V4L2_PIX_FMT_YUYV, .width = 64, .height = 48};
        struct sink *sink;

        fake.driver = "v4l2 loopback";
        fake.caps = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING;
        fake.loopback = true;
        assert_int_equal(sink_open(NODE, &wish, (struct frame_rate){25, 1}, &sink, NULL, 0), 0);
        return sink;
}

static void source_change(void **state)
{
        struct camera *camera;
        struct frame frame;

        fake.event_type = V4L2_EVENT_SOURCE_CHANGE;
        camera = start_camera();
        fake_capture(camera_format(camera)->size, 0, 0);
        assert_int_equal(camera_next(camera, &frame), 0);
        fake_tell(V4L2_EVENT_SRC_CH_RESOLUTION);
        assert_int_equal(camera_release(camera, &frame), 0);
        fake_capture(camera_format(camera)->size, 0, 1);
        /* The frames that come now may have any size, however often the camera is asked. */
        assert_int_equal(camera_next(camera, &frame), -EIO);
        assert_int_equal(camera_next(camera, &frame), -EIO);
        camera_stop(camera);
        assert_int_equal(camera_start(camera), -EIO);
        camera_close(camera);

        camera = start_camera();
        fake_capture(camera_format(camera)->size, 0, 0);
        assert_int_equal(camera_next(camera, &frame), 0);
        camera_close(camera);
}

/* Errors that only poll() reports. */
static void troubles(void **state)
{
        static const struct {
                short trouble;
                int want;
        } cases[] = {{POLLERR, -EIO}, {POLLHUP, -ENODEV}, {POLLERR | POLLHUP, -ENODEV}, {POLLNVAL, -EIO}, {0, -EAGAIN}};
        struct camera *camera = start_camera();
        struct frame frame;

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                fake.trouble = cases[i].trouble;
                assert_int_equal(camera_next(camera, &frame), cases[i].want);
                fake_capture(1, V4L2_BUF_FLAG_ERROR, 0);
                assert_int_equal(camera_next(camera, &frame), cases[i].want);
        }
        camera_close(camera);
}

static bool rings(const struct sink *sink)
{
        struct pollfd fd = {.fd = sink_fd(sink), .events = POLLIN};

        return poll(&fd, 1, 0) == 1;
}

static void reader_events(void **state)
{
        static const uint32_t types[] = {V4L2_EVENT_PRIVATE_START, V4L2_EVENT_PRIVATE_START + 0x08e00001};

        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
                struct sink *sink;

                fake_reset();
                fake.event_type = types[i];
                fake.event_value = 2; /* there from the start */
                sink = open_sink();
                assert_true(sink_fd(sink) >= 0);
                assert_int_equal(sink_dispatch(sink), 0);
                assert_int_equal(sink_readers(sink), 2);
                for (uint32_t n = 4; n-- > 0;) {
                        assert_false(rings(sink));
                        fake_tell(n);
                        assert_true(rings(sink));
                        assert_int_equal(sink_dispatch(sink), 0);
                        assert_int_equal(sink_readers(sink), n);
                        assert_int_equal(sink_dispatch(sink), 0);
                        assert_int_equal(sink_readers(sink), n);
                }
                sink_close(sink);
        }
}

/* For a while it may be impossible to count the readers, for example if descriptors have run out. */
static void uncounted_readers(void **state)
{
        const uint32_t type = V4L2_EVENT_PRIVATE_START;
        struct sink *sink;

        fake.event_type = 0; /* and there is no module whose openers could be counted */
        if (access("/sys/module/v4l2loopback", F_OK) == 0)
                skip();
        sink = open_sink();
        for (int i = 0; i < 3; i++) {
                assert_true(sink_readers(sink) < 0);
                assert_int_equal(sink_fd(sink), -1);
                assert_int_equal(sink_dispatch(sink), 0);
        }
        fake.event_type = type;
        fake.event_value = 1;
        assert_int_equal(sink_dispatch(sink), 0);
        assert_int_equal(sink_readers(sink), 1);
        assert_false(rings(sink));
        fake_tell(0);
        assert_true(rings(sink));
        assert_int_equal(sink_dispatch(sink), 0);
        assert_int_equal(sink_readers(sink), 0);
        sink_close(sink);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {TEST(source_change), TEST(troubles), TEST(reader_events),
                                           TEST(uncounted_readers)};

        return cmocka_run_group_tests_name("v4l2/events", tests, NULL, NULL);
}
