#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "tests/cm.h"
#include "tests/v4l2/fake-node.h"
#include "v4l2/camera.h"

#define NODE "/dev/null"

static const struct fake_format yuyv = {V4L2_PIX_FMT_YUYV, {{640, 480, {30}}}};

/* A USB 2 webcam: large uncompressed frames are slow. */
static const struct fake_format webcam[] = {
        {V4L2_PIX_FMT_YUYV, {{640, 480, {30, 15}}, {1280, 720, {10, 5}}, {320, 240, {30}}}},
        {V4L2_PIX_FMT_MJPEG, {{1280, 720, {60, 30, 15}}, {640, 480, {60, 30}}, {1920, 1080, {30}}}},
};

static int setup(void **state)
{
        fake_reset();
        fake.formats = &yuyv;
        fake.formats_n = 1;
        return 0;
}

static int teardown(void **state)
{
        int left = (int)fake.mapped; /* every mapping must have been undone */

        fake_reset();
        return left;
}

static struct camera *open_camera(uint32_t width, uint32_t height, uint32_t rate)
{
        const struct camera_wish wish = {width, height, {rate, 1}};
        struct camera *camera;
        char why[256] = "";

        if (camera_open(NODE, &wish, &camera, why, sizeof why))
                fail_msg("%s", why);
        return camera;
}

static void refuse(int error, const char *text)
{
        const struct camera_wish wish = {640, 480, {30, 1}};
        struct camera *camera = (void *)1;
        char why[256] = "";
        int r = camera_open(NODE, &wish, &camera, why, sizeof why);

        if (r != error || !strstr(why, text))
                fail_msg("%d \"%s\", not %d \"%s\"", r, why, error, text);
        assert_ptr_equal(camera, (void *)1);
        assert_int_equal(fake.mapped, 0);
}

static void choices(void **state)
{
        static const struct {
                uint32_t width, height, rate, fourcc, want_width, want_height, want_rate;
        } cases[] = {
                {640, 480, 30, V4L2_PIX_FMT_YUYV, 640, 480, 30},
                {640, 480, 60, V4L2_PIX_FMT_MJPEG, 640, 480, 60},
                {640, 480, 15, V4L2_PIX_FMT_YUYV, 640, 480, 15},
                {1280, 720, 30, V4L2_PIX_FMT_MJPEG, 1280, 720, 30},
                {1280, 720, 10, V4L2_PIX_FMT_YUYV, 1280, 720, 10},
                {1280, 720, 0, V4L2_PIX_FMT_MJPEG, 1280, 720, 30},
                {1920, 1080, 30, V4L2_PIX_FMT_MJPEG, 1920, 1080, 30},
                {10000, 9000, 5, V4L2_PIX_FMT_MJPEG, 1920, 1080, 30},
                {0, 0, 0, V4L2_PIX_FMT_YUYV, 320, 240, 30},
                {700, 500, 30, V4L2_PIX_FMT_YUYV, 640, 480, 30},
        };

        fake.formats = webcam;
        fake.formats_n = 2;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct camera *camera;
                uint32_t given;

                fake.interval = (struct v4l2_fract){1, 30};
                camera = open_camera(cases[i].width, cases[i].height, cases[i].rate);
                given = fake.pix.pixelformat == V4L2_PIX_FMT_MJPEG ? V4L2_PIX_FMT_YUV422P : fake.pix.pixelformat;
                assert_int_equal(fake.pix.pixelformat, cases[i].fourcc);
                assert_int_equal(camera_format(camera)->fourcc, given);
                assert_int_equal(camera_format(camera)->width, cases[i].want_width);
                assert_int_equal(camera_format(camera)->height, cases[i].want_height);
                assert_int_equal(camera_rate(camera).numerator / camera_rate(camera).denominator, cases[i].want_rate);
                assert_string_equal(camera_name(camera), "Fake camera");
                camera_close(camera);
        }
}

/* Colour before grey, everything before libv4l2, which cannot work here. */
static void last_resorts(void **state)
{
        static const struct fake_format formats[] = {{V4L2_PIX_FMT_GREY, {{640, 480, {30}}}},
                                                     {V4L2_PIX_FMT_SBGGR8, {{640, 480, {30}}}},
                                                     {V4L2_PIX_FMT_RGB24, {{320, 240, {30}}}}};
        struct camera *camera;

        fake.formats = formats;
        fake.formats_n = 3;
        camera = open_camera(640, 480, 30);
        assert_int_equal(camera_format(camera)->fourcc, V4L2_PIX_FMT_RGB24);
        camera_close(camera);

        fake.formats_n = 2;
        camera = open_camera(640, 480, 30);
        assert_int_equal(camera_format(camera)->fourcc, V4L2_PIX_FMT_GREY);
        camera_close(camera);

        fake.formats++;
        fake.formats_n = 1;
        refuse(-EINVAL, "none of its formats");
        fake.formats_n = 0;
        refuse(-EINVAL, "it offers none");
}

/* Among formats that differ in nothing else, the one that takes the least copying and computing is chosen. */
static void cheapest(void **state)
{
        static const struct fake_format formats[] = {
                {V4L2_PIX_FMT_MJPEG, {{640, 480, {30}}}},   {V4L2_PIX_FMT_JPEG, {{640, 480, {30}}}},
                {V4L2_PIX_FMT_RGB24, {{640, 480, {30}}}},   {V4L2_PIX_FMT_BGR24, {{640, 480, {30}}}},
                {V4L2_PIX_FMT_YUV422P, {{640, 480, {30}}}}, {V4L2_PIX_FMT_YUYV, {{640, 480, {30}}}},
                {V4L2_PIX_FMT_UYVY, {{640, 480, {30}}}},    {V4L2_PIX_FMT_YUV420, {{640, 480, {30}}}},
                {V4L2_PIX_FMT_NV12, {{640, 480, {30}}}},
        };
        static const unsigned work[] = {3, 3, 2, 2, 1, 1, 1, 0, 0}; /* never more than that of the one before */

        fake.formats = formats;
        for (size_t n = 1; n <= sizeof work / sizeof work[0]; n++) {
                struct camera *camera;
                size_t chosen = 0;

                fake.formats_n = n;
                camera = open_camera(640, 480, 30);
                while (formats[chosen].fourcc != fake.pix.pixelformat)
                        chosen++;
                assert_int_equal(work[chosen], work[n - 1]);
                camera_close(camera);
        }
}

static void fields_of_colour(struct v4l2_pix_format *pix)
{
        pix->colorspace = V4L2_COLORSPACE_REC709;
        pix->bytesperline = 1536;
        pix->sizeimage = 1536 * pix->height;
}

static void format_details(void **state)
{
        struct camera *camera;

        fake.bend_format = fields_of_colour;
        camera = open_camera(640, 480, 30);
        assert_int_equal(camera_format(camera)->matrix, FRAME_BT709);
        assert_int_equal(camera_format(camera)->full_range, 0);
        assert_int_equal(camera_format(camera)->stride, 1536);
        assert_int_equal(camera_format(camera)->size, 1536 * 480);
        camera_close(camera);

        /* JFIF has only one colour space. */
        fake.formats = webcam;
        fake.formats_n = 2;
        camera = open_camera(1280, 720, 30);
        assert_int_equal(camera_format(camera)->matrix, FRAME_BT601);
        assert_int_equal(camera_format(camera)->full_range, 1);
        camera_close(camera);
}

static void bend_huge(struct v4l2_pix_format *pix)
{
        pix->width = pix->height = 0x40000000;
}
static void bend_zero(struct v4l2_pix_format *pix)
{
        pix->width = 0;
}
static void bend_odd(struct v4l2_pix_format *pix)
{
        pix->width = 641;
}
static void bend_stride(struct v4l2_pix_format *pix)
{
        pix->bytesperline = 1278;
}
static void bend_stride_huge(struct v4l2_pix_format *pix)
{
        pix->bytesperline = 0xffffffff;
}
static void bend_fields(struct v4l2_pix_format *pix)
{
        pix->field = V4L2_FIELD_ALTERNATE;
}
static void bend_lines(struct v4l2_pix_format *pix)
{
        pix->field = V4L2_FIELD_INTERLACED_BT;
}
static void bend_fourcc(struct v4l2_pix_format *pix)
{
        pix->pixelformat = V4L2_PIX_FMT_YVYU;
}

static void absurd_formats(void **state)
{
        static void (*const bends[])(struct v4l2_pix_format *) = {
                bend_huge, bend_zero, bend_odd, bend_stride, bend_stride_huge, bend_fields, bend_fourcc};

        for (size_t i = 0; i < sizeof bends / sizeof bends[0]; i++) {
                fake.bend_format = bends[i];
                refuse(-EINVAL, "none of its formats");
        }
        fake.bend_format = NULL;
        fake.formats = webcam;
        fake.length = 640 * 480 * 2 - 1; /* buffers shorter than a frame */
        refuse(-EINVAL, "none of its formats");
        camera_close(open_camera(320, 240, 30)); /* a size that fits is used */
        fake.formats_n = 2;
        struct camera *camera = open_camera(640, 480, 30); /* or a format */
        assert_int_equal(fake.pix.pixelformat, V4L2_PIX_FMT_MJPEG);
        camera_close(camera);
        fake.length = 0;
        fake.bend_format = bend_lines; /* both fields, interleaved */
        camera_close(open_camera(640, 480, 30));
}

static void open_failures(void **state)
{
        static const struct {
                unsigned long request;
                int error, want;
                const char *text;
        } cases[] = {
                {VIDIOC_QUERYCAP, ENOTTY, -ENODEV, "not a video device"},
                {VIDIOC_S_FMT, EBUSY, -EBUSY, "another program uses"},
                {VIDIOC_REQBUFS, EBUSY, -EBUSY, "another program uses"},
                {VIDIOC_S_FMT, ENODEV, -ENODEV, "plug the camera in"},
                {VIDIOC_S_FMT, EIO, -EIO, "none of its formats"},
                {VIDIOC_REQBUFS, EINVAL, -EINVAL, "none of its formats"},
                {VIDIOC_QUERYBUF, EINVAL, -EINVAL, "none of its formats"},
                {VIDIOC_REQBUFS, ENOMEM, -ENOMEM, "choose another"},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                for (unsigned after = 0; after < (cases[i].request == VIDIOC_QUERYBUF ? 3 : 1); after++) {
                        fake.fail_request = cases[i].request;
                        fake.fail_errno = cases[i].error;
                        fake.fail_after = after;
                        refuse(cases[i].want, cases[i].text);
                }
        fake.fail_request = 0;
        fake.caps = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING;
        refuse(-ENODEV, "is not a camera");
        fake.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE;
        refuse(-ENODEV, "is not a camera");
}

/* A camera need not support rates, and a failure to set one is no error. */
static void rate_failures(void **state)
{
        struct camera *camera;

        fake.fail_request = VIDIOC_G_PARM;
        fake.fail_errno = ENOTTY;
        camera = open_camera(640, 480, 15);
        assert_int_equal(camera_rate(camera).numerator, 30); /* the rate that was enumerated for this size */
        camera_close(camera);
        fake.fail_request = 0;
        fake.interval = (struct v4l2_fract){0, 0};
        camera = open_camera(640, 480, 0);
        assert_int_equal(camera_rate(camera).numerator, 30);
        camera_close(camera);
}

static void newest(void **state)
{
        struct camera *camera = open_camera(640, 480, 30);
        const struct camera_counters *counters = camera_counters(camera);
        uint32_t size = camera_format(camera)->size;
        struct frame frame = {.sequence = 1234};

        assert_int_equal(camera_next(camera, &frame), -EIO); /* not started */
        assert_int_equal(camera_start(camera), 0);
        assert_int_equal(fake_queued(), 4);
        assert_int_equal(camera_next(camera, &frame), -EAGAIN);
        assert_int_equal(frame.sequence, 1234);

        memset(fake_capture(size, 0, 100), 1, 8);
        memset(fake_capture(size, 0, 101), 2, 8);
        memset(fake_capture(size, 0, 104), 3, 8);
        assert_int_equal(camera_next(camera, &frame), 0);
        assert_int_equal(frame.data[7], 3);
        assert_int_equal(frame.sequence, 4); /* of those captured since the start */
        assert_int_equal(fake_queued(), 3);
        assert_int_equal(camera_release(camera, &frame), 0);
        assert_int_equal(fake_queued(), 4);
        assert_int_equal(counters->captured, 3);
        assert_int_equal(counters->stale, 2);
        assert_int_equal(counters->lost, 2);
        assert_int_equal(counters->corrupt, 0);
        camera_close(camera);
}

static uint32_t bent_index, bent_seconds;

static void bad_index(struct v4l2_buffer *buffer)
{
        buffer->index = bent_index;
}

static void corrupt(void **state)
{
        struct camera *camera = open_camera(640, 480, 30);
        uint32_t size = camera_format(camera)->size;
        const struct camera_counters *counters = camera_counters(camera);
        struct frame frame;

        camera_start(camera);
        fake_capture(size, V4L2_BUF_FLAG_ERROR, 1);
        fake_capture(size - 1, 0, 2);
        fake_capture(0, 0, 3);
        fake_capture(size + 1, 0, 4); /* more than the buffer holds */
        assert_int_equal(camera_next(camera, &frame), -EAGAIN);
        assert_int_equal(counters->corrupt, 4);
        assert_int_equal(fake_queued(), 4);

        /* A good frame among bad ones is found, even if a bad one is newer. */
        memset(fake_capture(size, 0, 5), 9, 1);
        fake_capture(size, V4L2_BUF_FLAG_ERROR, 6);
        assert_int_equal(camera_next(camera, &frame), 0);
        assert_int_equal(frame.data[0], 9);
        camera_release(camera, &frame);
        assert_int_equal(counters->corrupt, 5);
        assert_int_equal(fake_queued(), 4);

        fake.bend_buffer = bad_index;
        for (bent_index = 4; bent_index; bent_index <<= 1) {
                fake_capture(size, 0, 7);
                assert_int_equal(camera_next(camera, &frame), -EIO);
                camera_stop(camera);
                camera_start(camera);
        }
        camera_close(camera);
}

static void stream_errors(void **state)
{
        static const struct {
                unsigned long request;
                int error, want;
        } cases[] = {
                {VIDIOC_DQBUF, EIO, -EIO},       {VIDIOC_DQBUF, ENODEV, -ENODEV}, {VIDIOC_DQBUF, EINVAL, -EIO},
                {VIDIOC_DQBUF, EAGAIN, -EAGAIN}, {VIDIOC_QBUF, ENODEV, -ENODEV},  {VIDIOC_QBUF, EINVAL, -EIO},
                {VIDIOC_DQBUF, ENXIO, -ENODEV},
        };
        struct camera *camera = open_camera(640, 480, 30);
        uint32_t size = camera_format(camera)->size;

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct frame frame;

                assert_int_equal(camera_start(camera), 0);
                fake_capture(size, 0, 1);
                fake_capture(size, 0, 2);
                fake.fail_request = cases[i].request;
                fake.fail_errno = cases[i].error;
                assert_int_equal(camera_next(camera, &frame), cases[i].want);
                fake.fail_request = 0;
                camera_stop(camera);

                /* After a stop and a start, the driver has all buffers, and capture works. */
                assert_int_equal(camera_start(camera), 0);
                assert_int_equal(fake_queued(), 4);
                fake_capture(size, 0, 1);
                assert_int_equal(camera_next(camera, &frame), 0);
                camera_stop(camera);
                assert_int_equal(camera_release(camera, &frame), 0); /* late, and harmless */
        }
        camera_close(camera);
}

static void start_errors(void **state)
{
        static const struct {
                unsigned long request;
                int error, want;
        } cases[] = {{VIDIOC_STREAMON, EIO, -EIO},
                     {VIDIOC_STREAMON, ENOSPC, -ENOSPC},
                     {VIDIOC_STREAMON, ENODEV, -ENODEV},
                     {VIDIOC_QBUF, ENODEV, -ENODEV}};
        struct camera *camera = open_camera(640, 480, 30);

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                fake.fail_request = cases[i].request;
                fake.fail_errno = cases[i].error;
                assert_int_equal(camera_start(camera), cases[i].want);
                assert_int_equal(fake_queued(), 0);
                fake.fail_request = 0;
                assert_int_equal(camera_start(camera), 0);
                assert_int_equal(camera_start(camera), 0); /* does nothing */
                assert_int_equal(fake_queued(), 4);
                camera_stop(camera);
        }
        camera_close(camera);
}

static void odd_time(struct v4l2_buffer *buffer)
{
        buffer->timestamp.tv_sec = bent_seconds;
}

static void sequences_and_times(void **state)
{
        static const uint32_t numbers[] = {7, 7, 7, 4294967295u, 0, 1, 3, 0};
        static const uint32_t want[] = {0, 1, 2, 3, 4, 5, 7, 8};
        struct camera *camera = open_camera(640, 480, 30);
        uint32_t size = camera_format(camera)->size;
        uint64_t last = 0;

        camera_start(camera);
        fake.bend_buffer = odd_time;
        for (int i = 0; i < 8; i++) {
                struct frame frame;

                bent_seconds = i & 1 ? 0 : 0x7fffffff; /* long ago, far ahead */
                fake_capture(size, 0, numbers[i]);
                assert_int_equal(camera_next(camera, &frame), 0);
                assert_int_equal(frame.sequence, want[i]);
                assert_true(frame.time_ns >= last && frame.time_ns < 0x7fffffffull * 1000000000);
                assert_true(frame.time_ns > 0);
                last = frame.time_ns;
                camera_release(camera, &frame);
        }
        assert_int_equal(camera_counters(camera)->lost, 1);
        camera_close(camera);
}

static size_t make_jpeg(uint8_t *ret, int width, int height, uint8_t shade)
{
        uint8_t *pixels = malloc((size_t)(width * height)), *out = NULL;
        tjhandle handle = tjInitCompress();
        unsigned long size = 0;

        memset(pixels, shade, (size_t)(width * height));
        assert_int_equal(tjCompress2(handle, pixels, width, 0, height, TJPF_GRAY, &out, &size, TJSAMP_GRAY, 90, 0), 0);
        memcpy(ret, out, size);
        tjFree(out);
        tjDestroy(handle);
        free(pixels);
        return size;
}

/* Waits for the thread that decodes. */
static void await(struct camera *camera)
{
        assert_int_equal(poll(&(struct pollfd){.fd = camera_fd(camera), .events = POLLIN}, 1, 20000), 1);
}

static void motion_jpeg(void **state)
{
        struct camera *camera;
        uint8_t good[20000], small[20000], shade[20000];
        size_t good_size = make_jpeg(good, 640, 480, 60), small_size = make_jpeg(small, 320, 240, 60);
        size_t shade_size = make_jpeg(shade, 640, 480, 200);
        struct frame frame;

        fake.formats = webcam;
        fake.formats_n = 2;
        camera = open_camera(640, 480, 60);
        assert_int_equal(camera_format(camera)->size, 640 * 480 * 2);
        camera_start(camera);

        /* The newest frame has another size, and the one before it is cut off.  The one before that is the newest
         * valid one. */
        fake_lock();
        memcpy(fake_capture((uint32_t)good_size, 0, 1), good, good_size);
        memcpy(fake_capture((uint32_t)shade_size, 0, 2), shade, shade_size);
        memcpy(fake_capture((uint32_t)shade_size / 2, 0, 3), shade, shade_size);
        memcpy(fake_capture((uint32_t)small_size, 0, 4), small, small_size);
        fake_unlock();
        await(camera);
        assert_int_equal(camera_next(camera, &frame), 0);
        assert_int_equal(frame.sequence, 1);
        assert_in_range(frame.data[0], 198, 202);
        assert_int_equal(frame.data[640 * 480], 128);
        assert_int_equal(fake_queued(), 4);
        assert_int_equal(camera_counters(camera)->corrupt, 2);
        assert_int_equal(camera_counters(camera)->stale, 1);
        assert_int_equal(camera_release(camera, &frame), 0);
        assert_int_equal(fake_queued(), 4);

        fake_lock();
        fake_capture(100, 0, 5); /* zeros */
        fake_capture(0, 0, 6);
        fake_unlock();
        await(camera);
        assert_int_equal(camera_next(camera, &frame), -EAGAIN);
        assert_int_equal(camera_counters(camera)->corrupt, 4);
        assert_int_equal(fake_queued(), 4);
        camera_close(camera);
}

/* A driver that grants fewer buffers than were requested, and one that grants many. */
static void buffer_numbers(void **state)
{
        static const uint32_t numbers[] = {1, 2, 4, 32};

        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
                struct camera *camera;

                fake.buffers_max = numbers[i];
                camera = open_camera(640, 480, 30);
                assert_int_equal(camera_start(camera), 0);
                assert_int_equal(fake_queued(), numbers[i] < 4 ? numbers[i] : 4);
                camera_close(camera);
        }
}

/* ---- memory that outlives a frame ---- */

/* The driver goes on while a frame is out, and does not touch its buffer. */
static void keeps_a_frame(void **state)
{
        struct camera *camera = open_camera(640, 480, 30);
        const uint32_t size = camera_format(camera)->size;
        const struct frame_memory *memory = camera_memory(camera);
        struct frame frame;

        assert_non_null(memory);
        assert_int_equal(memory->count, 4);
        camera_start(camera);
        memset(fake_capture(size, 0, 1), 7, size);
        assert_int_equal(camera_next(camera, &frame), 0);
        assert_ptr_equal(frame.data, memory->buffers[frame.index].data);
        assert_true(memory->buffers[frame.index].size >= size);
        for (unsigned i = 0; i < 3; i++)
                memset(fake_capture(size, 0, 2 + i), 8, size);
        assert_null(fake_capture(size, 0, 5));
        assert_int_equal(frame.data[0], 7);
        assert_int_equal(frame.data[size - 1], 7);
        assert_int_equal(camera_release(camera, &frame), 0);
        assert_int_equal(fake_queued(), 1);
        camera_close(camera);
}

/* Whoever reads frames where they are may need longer than the camera is there. */
static void memory_outlives_the_camera(void **state)
{
        struct camera *camera;
        struct frame_memory *memory;

        fake.exports = true;
        camera = open_camera(640, 480, 30);
        memory = frame_memory_ref(camera_memory(camera));
        memset(memory->buffers[3].data, 9, 8);
        camera_close(camera);
        assert_int_equal(fake.mapped, 4);
        assert_int_equal(((uint8_t *)memory->buffers[3].data)[7], 9);
        assert_true(fcntl(memory->buffers[3].dmabuf, F_GETFD) >= 0);
        camera = open_camera(320, 240, 30); /* another one meanwhile */
        camera_close(camera);
        const int dmabuf = memory->buffers[3].dmabuf;
        frame_memory_unref(memory);
        assert_int_equal(fake.mapped, 0);
        assert_int_equal(fcntl(dmabuf, F_GETFD), -1);
}

/* Each buffer as a dma-buf, for which many drivers have no call; it may also fail for a single one. */
static void exports_buffers(void **state)
{
        for (unsigned fail_after = 0; fail_after <= 4; fail_after++) {
                struct camera *camera;
                const struct frame_memory *memory;

                fake.exports = true;
                fake.fail_request = VIDIOC_EXPBUF;
                fake.fail_errno = EMFILE;
                fake.fail_after = fail_after;
                camera = open_camera(640, 480, 30);
                memory = camera_memory(camera);
                assert_non_null(memory);
                for (unsigned i = 0; i < 4; i++) {
                        const int dmabuf = memory->buffers[i].dmabuf;
                        assert_int_equal(dmabuf >= 0, i < fail_after);
                        if (dmabuf >= 0)
                                assert_int_equal(fcntl(dmabuf, F_GETFD), FD_CLOEXEC);
                }
                camera_close(camera);
                fake.fail_request = 0;
        }
        fake.exports = false;
        struct camera *camera = open_camera(640, 480, 30);
        assert_int_equal(camera_memory(camera)->buffers[0].dmabuf, -1);
        camera_close(camera);
}

/* Where a frame must be copied at once: none of the driver's memory is offered, and nothing is exported. */
static void offers_no_memory(void **state)
{
        static const struct {
                const struct fake_format *formats;
                const char *driver;
                uint32_t buffers, rate;
        } cases[] = {
                {&yuyv, "fake", 2, 30},          /* too few for the driver to go on */
                {&yuyv, "v4l2 loopback", 0, 30}, /* a producer that asks nobody */
                {webcam + 1, "fake", 0, 30},     /* decoded */
        };

        fake.exports = true;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                fake.formats = cases[i].formats;
                fake.driver = cases[i].driver;
                fake.buffers_max = cases[i].buffers;
                struct camera *camera = open_camera(640, 480, cases[i].rate);
                assert_null(camera_memory(camera));
                assert_int_equal(fake.exported, 0);
                camera_close(camera);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(choices),         TEST(cheapest),         TEST(last_resorts),  TEST(format_details),
                TEST(absurd_formats),  TEST(open_failures),    TEST(rate_failures), TEST(newest),
                TEST(corrupt),         TEST(stream_errors),    TEST(start_errors),  TEST(sequences_and_times),
                TEST(motion_jpeg),     TEST(buffer_numbers),   TEST(keeps_a_frame), TEST(memory_outlives_the_camera),
                TEST(exports_buffers), TEST(offers_no_memory),
        };

        return cmocka_run_group_tests_name("v4l2/capture", tests, NULL, NULL);
}
