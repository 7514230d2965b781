#include <errno.h>
#include <string.h>

#include "tests/cm.h"
#include "tests/v4l2/fake-node.h"
#include "v4l2/sink.h"

#define NODE "/dev/null"

static const struct frame_format wish = {.fourcc = V4L2_PIX_FMT_YUYV, .width = 64, .height = 48};
static uint8_t pixels[64 * 48 * 2];

static int setup(void **state)
{
        fake_reset();
        fake.driver = "v4l2 loopback";
        fake.card = "Virtual";
        fake.caps = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING | V4L2_CAP_READWRITE;
        fake.buffers_max = 4;
        fake.loopback = true;
        return 0;
}

static int teardown(void **state)
{
        int left = (int)fake.mapped;

        fake_reset();
        return left;
}

static struct sink *open_sink(void)
{
        struct sink *sink;
        char why[256] = "";

        if (sink_open(NODE, &wish, (struct frame_rate){25, 1}, &sink, why, sizeof why))
                fail_msg("%s", why);
        return sink;
}

static void refuse(int error, const char *text)
{
        struct sink *sink = (void *)1;
        char why[256] = "";
        int r = sink_open(NODE, &wish, (struct frame_rate){25, 1}, &sink, why, sizeof why);

        if (r != error || !strstr(why, text))
                fail_msg("%d \"%s\", not %d \"%s\"", r, why, error, text);
        assert_ptr_equal(sink, (void *)1);
        assert_int_equal(fake.mapped, 0);
}

static void shows(void **state)
{
        struct sink *sink = open_sink();

        assert_true(fake.streaming);
        assert_int_equal(fake.interval.denominator, 25);
        assert_int_equal(sink_format(sink)->size, sizeof pixels);
        assert_int_equal(sink_format(sink)->matrix, FRAME_BT601);
        assert_false(sink_format(sink)->full_range);
        for (unsigned n = 0; n < 9; n++) {
                memset(pixels, (int)n, sizeof pixels);
                assert_int_equal(sink_show(sink, pixels, n == 5 ? 1 : n * 1000000000ull + 5000), 0);
                assert_memory_equal(fake.memory[fake.last.index], pixels, sizeof pixels);
                assert_int_equal(fake.last.bytesused, sizeof pixels);
                assert_int_equal(fake.last.timestamp.tv_sec, n == 5 ? 4 : n); /* time does not go back */
                assert_int_equal(fake.last.timestamp.tv_usec, 5);
                /* never the buffer that readers are looking at */
                assert_true(!n || fake.shown[n] != fake.shown[n - 1]);
        }
        assert_int_equal(fake.shown_n, 9);
        sink_close(sink);
        assert_false(fake.streaming);
}

/* With a driver whose DQBUF returns a free buffer, that buffer is used. */
static void honest_driver(void **state)
{
        struct sink *sink;

        fake.loopback = false;
        sink = open_sink();
        for (unsigned n = 0; n < 9; n++) {
                assert_int_equal(sink_show(sink, pixels, n), 0);
                assert_int_equal(fake.shown[n], n % 4);
        }
        sink_close(sink);
}

/* If a reader requests two of the four buffers, all programs have two.  Pixels must go where the driver looks. */
static void fewer_buffers(void **state)
{
        struct sink *sink = open_sink();

        for (unsigned n = 0; n < 3; n++)
                assert_int_equal(sink_show(sink, pixels, n), 0);
        fake.used = 2;
        for (unsigned n = 3; n < 9; n++) {
                memset(pixels, (int)n, sizeof pixels);
                assert_int_equal(sink_show(sink, pixels, n), 0);
                assert_memory_equal(fake.memory[fake.last.index % fake.used], pixels, sizeof pixels);
                assert_true(n == 3 || fake.shown[n] % 2 != fake.shown[n - 1] % 2);
        }
        fake.used = 1;
        assert_int_equal(sink_show(sink, pixels, 9), 0);
        sink_close(sink);
}

static void one_buffer(void **state)
{
        struct sink *sink;

        fake.buffers_max = 1;
        sink = open_sink();
        assert_int_equal(sink_show(sink, pixels, 0), 0);
        assert_int_equal(sink_show(sink, pixels, 1), 0);
        sink_close(sink);
}

static void nodes(void **state)
{
        fake.driver = "uvcvideo";
        refuse(-ENODEV, "not a v4l2loopback node");
        fake.driver = "v4l2 loopback";
        fake.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        fake.producer = true;
        refuse(-EBUSY, "another program feeds");
        fake.caps = V4L2_CAP_STREAMING;
        refuse(-ENODEV, "reload v4l2loopback");
        fake.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        fake.producer = false; /* keep_format=1 of 0.15 */
        sink_close(open_sink());
}

static void failures(void **state)
{
        static const struct {
                unsigned long request;
                int error, want;
                const char *text;
        } cases[] = {
                {VIDIOC_QUERYCAP, ENOTTY, -ENODEV, "not a video device"},
                {VIDIOC_S_FMT, EBUSY, -EBUSY, "another program feeds"},
                {VIDIOC_S_FMT, EINVAL, -EINVAL, "close the programs"},
                {VIDIOC_REQBUFS, EBUSY, -EBUSY, "another program feeds"},
                {VIDIOC_STREAMON, EBUSY, -EBUSY, "another program"},
                {VIDIOC_STREAMON, EIO, -EIO, "reload v4l2loopback"},
                {VIDIOC_QUERYBUF, EIO, -EIO, "reload v4l2loopback"},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                fake.fail_request = cases[i].request;
                fake.fail_errno = cases[i].error;
                refuse(cases[i].want, cases[i].text);
        }
}

static void bend_fourcc(struct v4l2_pix_format *pix)
{
        pix->pixelformat = V4L2_PIX_FMT_MJPEG;
}
static void bend_size(struct v4l2_pix_format *pix)
{
        pix->width = 32;
        pix->height = 24;
        pix->bytesperline = 64;
        pix->sizeimage = 64 * 24;
}

/* A node that is held open at another size is fed at that size.  One whose format visaged does not know is refused. */
static void held_format(void **state)
{
        struct sink *sink;

        fake.bend_format = bend_size;
        sink = open_sink();
        assert_int_equal(sink_format(sink)->width, 32);
        assert_int_equal(sink_format(sink)->size, 32 * 24 * 2);
        assert_int_equal(sink_show(sink, pixels, 0), 0);
        assert_int_equal(fake.last.bytesused, 32 * 24 * 2);
        sink_close(sink);
        fake.bend_format = bend_fourcc;
        refuse(-EINVAL, "close the programs");
}

static void show_errors(void **state)
{
        static const struct {
                unsigned long request;
                int error, want;
        } cases[] = {{VIDIOC_DQBUF, EAGAIN, -EAGAIN},
                     {VIDIOC_DQBUF, ENODEV, -ENODEV},
                     {VIDIOC_QBUF, ENODEV, -ENODEV},
                     {VIDIOC_QBUF, ENXIO, -ENODEV},
                     {VIDIOC_QBUF, EIO, -EIO}};
        struct sink *sink = open_sink();

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                fake.fail_request = cases[i].request;
                fake.fail_errno = cases[i].error;
                assert_int_equal(sink_show(sink, pixels, i), cases[i].want);
                fake.fail_request = 0;
                assert_int_equal(sink_show(sink, pixels, i), 0);
        }
        sink_close(sink);
}

/* Without buffers, frames are written; /dev/null takes them. */
static void written(void **state)
{
        struct sink *sink;

        fake.fail_request = VIDIOC_REQBUFS;
        fake.fail_errno = EINVAL;
        sink = open_sink();
        assert_int_equal(sink_show(sink, pixels, 0), 0);
        assert_int_equal(fake.shown_n, 0);
        sink_close(sink);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(shows),    TEST(honest_driver), TEST(fewer_buffers), TEST(one_buffer), TEST(nodes),
                TEST(failures), TEST(held_format),   TEST(show_errors),   TEST(written),
        };

        return cmocka_run_group_tests_name("v4l2/loopback", tests, NULL, NULL);
}
