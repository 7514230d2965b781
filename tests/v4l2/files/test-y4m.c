#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "tests/cm.h"
#include "tests/v4l2/temporary.h"
#include "v4l2/camera.h"
#include "v4l2/files/y4m.h"
#include "v4l2/sink.h"

static const struct frame_rate rate = {200, 1};

static struct frame next(struct camera *camera)
{
        struct pollfd fd = {.fd = camera_fd(camera), .events = POLLIN};
        struct frame frame;
        int r;

        do {
                poll(&fd, 1, -1);
                r = camera_next(camera, &frame);
        } while (r == -EAGAIN);
        assert_int_equal(r, 0);
        return frame;
}

static void round_trip(void **state)
{
        const struct frame_format wish = {.width = 34, .height = 18, .matrix = FRAME_BT601, .full_range = true};
        uint8_t frame[34 * 18 * 3 / 2];
        struct camera *camera;
        struct sink *sink;
        char why[256];

        assert_int_equal(sink_open(temporary_path("y4m:", "round.y4m"), &wish, rate, &sink, why, sizeof why), 0);
        assert_int_equal(sink_format(sink)->fourcc, V4L2_PIX_FMT_YUV420);
        assert_int_equal(sink_format(sink)->size, sizeof frame);
        for (unsigned n = 0; n < 3; n++) {
                for (size_t i = 0; i < sizeof frame; i++)
                        frame[i] = (uint8_t)(i * 7 + n * 31);
                assert_int_equal(sink_show(sink, frame, n), 0);
        }
        sink_close(sink);

        assert_int_equal(camera_open(temporary_path("y4m:", "round.y4m"), NULL, &camera, why, sizeof why), 0);
        assert_int_equal(camera_format(camera)->fourcc, V4L2_PIX_FMT_YUV420);
        assert_int_equal(camera_format(camera)->width, 34);
        assert_int_equal(camera_format(camera)->size, sizeof frame);
        assert_true(camera_format(camera)->full_range);
        assert_int_equal(camera_rate(camera).numerator, 200);
        assert_int_equal(camera_start(camera), 0);
        for (unsigned n = 0; n < 8; n++) {
                struct frame got = next(camera);
                unsigned which = got.sequence % 3; /* over and over */

                for (size_t i = 0; i < sizeof frame; i++)
                        assert_int_equal(got.data[i], (uint8_t)(i * 7 + which * 31));
                assert_int_equal(camera_release(camera, &got), 0);
        }
        assert_int_equal(camera_counters(camera)->corrupt, 0);
        camera_close(camera);
}

/* A reader that has stopped does not block the sink, and gets whole frames when it continues. */
static void stalled_reader(void **state)
{
        const struct frame_format wish = {.width = 640, .height = 480, .matrix = FRAME_BT601};
        const size_t size = 640 * 480 * 3 / 2;
        uint8_t *frame = calloc(1, size), got[65536];
        const char *path = temporary_path("", "pipe");
        size_t total = 0;
        struct sink *sink;
        int reader;

        assert_int_equal(mkfifo(path, 0600), 0);
        reader = open(path, O_RDONLY | O_NONBLOCK);
        assert_true(reader >= 0);
        alarm(60); /* in case the test hangs */
        assert_int_equal(sink_open(temporary_path("y4m:", "pipe"), &wish, rate, &sink, NULL, 0), 0);
        alarm(1); /* nothing here may wait for the reader */
        assert_int_equal(sink_show(sink, frame, 1), 0);
        for (int i = 0; i < 3; i++)
                assert_int_equal(sink_show(sink, frame, 2), -EAGAIN);
        for (int i = 0; i < 100; i++)
                assert_int_equal(sink_dispatch(sink), 0);
        alarm(60);
        while (read(reader, got, 1) == 1 && *got != '\n')
                ;
        while (total < 2 * (6 + size)) {
                sink_show(sink, frame, 3);
                for (ssize_t n; (n = read(reader, got, sizeof got)) > 0;)
                        for (ssize_t i = 0; i < n; i++, total++)
                                assert_int_equal(got[i], total % (6 + size) < 6 ? "FRAME\n"[total % (6 + size)] : 0);
        }
        close(reader);
        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(poll(&(struct pollfd){.fd = sink_fd(sink), .events = POLLIN}, 1, 10000), 1);
        assert_int_equal(sink_dispatch(sink), -ENODEV);
        assert_int_equal(sink_show(sink, frame, 4), -ENODEV);
        sink_close(sink);
        alarm(0);
        free(frame);
}

/* sink_dispatch() writes what a pipe did not take at once, whenever the descriptor says so. */
static void slow_reader(void **state)
{
        const struct frame_format wish = {.width = 640, .height = 480, .matrix = FRAME_BT601};
        const size_t size = 640 * 480 * 3 / 2;
        uint8_t *frame = calloc(1, size), got[65536];
        size_t total = 0, header = 0;
        struct sink *sink;
        int reader;

        assert_int_equal(mkfifo(temporary_path("", "slow"), 0600), 0);
        reader = open(temporary_path("", "slow"), O_RDONLY | O_NONBLOCK);
        assert_true(reader >= 0);
        assert_int_equal(sink_open(temporary_path("y4m:", "slow"), &wish, rate, &sink, NULL, 0), 0);
        while (read(reader, got, 1) == 1 && *got != '\n')
                header++;
        assert_true(header > 0);
        assert_int_equal(sink_show(sink, frame, 1), 0);
        while (total < 6 + size) {
                for (ssize_t n; (n = read(reader, got, sizeof got)) > 0;)
                        total += (size_t)n;
                if (poll(&(struct pollfd){.fd = sink_fd(sink), .events = POLLIN}, 1, total < 6 + size ? 10000 : 0) > 0)
                        assert_int_equal(sink_dispatch(sink), 0);
        }
        assert_int_equal(total, 6 + size);
        /* Nothing is left to do. */
        assert_int_equal(poll(&(struct pollfd){.fd = sink_fd(sink), .events = POLLIN}, 1, 0), 0);
        assert_int_equal(sink_show(sink, frame, 2), 0);
        sink_close(sink);
        close(reader);
        free(frame);
}

/* Whatever is skipped for lack of time, the last frame is delivered and the end is reported. */
static void once(void **state)
{
        static const char text[] = "YUV4MPEG2 W2 H2 F1000:1 Cmono\nFRAME\naaaaFRAME Ip\nbbbbFRAME\ncccc";
        struct camera *camera;
        struct frame frame;
        uint8_t last = 0;
        char why[256];
        int r;

        temporary_file("once.y4m", text, sizeof text - 1);
        assert_int_equal(camera_open(temporary_path("y4m:", "once.y4m?once"), NULL, &camera, why, sizeof why), 0);
        assert_int_equal(camera_next(camera, &frame), -EIO); /* not started */
        assert_int_equal(camera_start(camera), 0);
        do {
                poll(&(struct pollfd){.fd = camera_fd(camera), .events = POLLIN}, 1, -1);
                r = camera_next(camera, &frame);
                if (!r) {
                        last = frame.data[3];
                        camera_release(camera, &frame);
                }
        } while (!r || r == -EAGAIN);
        assert_int_equal(r, -ENODEV);
        assert_int_equal(last, 'c');
        assert_int_equal(camera_counters(camera)->captured, 3);
        assert_int_equal(camera_next(camera, &frame), -ENODEV);
        camera_close(camera);
}

/* A file whose second frame is damaged plays its first one over and over. */
static void damaged_frame(void **state)
{
        static const char text[] = "YUV4MPEG2 W2 H2 F1000:1 Cmono\nFRAME\naaaaFRAMX\nbbbb";
        struct camera *camera;
        char why[256];

        temporary_file("half.y4m", text, sizeof text - 1);
        assert_int_equal(camera_open(temporary_path("y4m:", "half.y4m"), NULL, &camera, why, sizeof why), 0);
        assert_int_equal(camera_start(camera), 0);
        for (int i = 0; i < 3; i++) {
                struct frame frame = next(camera);

                assert_memory_equal(frame.data, "aaaa", 4);
                camera_release(camera, &frame);
        }
        assert_true(camera_counters(camera)->corrupt >= 2);
        camera_close(camera);
}

static void good_headers(void **state)
{
        static const struct {
                const char *text;
                uint32_t fourcc, numerator;
        } cases[] = {
                {"YUV4MPEG2 W4 H2\n", V4L2_PIX_FMT_YUV420, 30},
                {"YUV4MPEG2 C420jpeg H2 W4 F25:1 A0:0 I?\n", V4L2_PIX_FMT_YUV420, 25},
                {"YUV4MPEG2 W4 H2 F30000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2\n", V4L2_PIX_FMT_YUV420, 30000},
                {"YUV4MPEG2 W4 H3 C422\n", V4L2_PIX_FMT_YUV422P, 30},
                {"YUV4MPEG2 W3 H3 Cmono F0:0\n", V4L2_PIX_FMT_GREY, 30},
                {"YUV4MPEG2 W4 H2  C420paldv \n", V4L2_PIX_FMT_YUV420, 30},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                size_t length = strlen(cases[i].text);
                struct y4m_header header;
                const char *reason = "";

                assert_int_equal(y4m_parse((const uint8_t *)cases[i].text, length, &header, &reason), 0);
                assert_int_equal(header.format.fourcc, cases[i].fourcc);
                assert_int_equal(header.rate.numerator, cases[i].numerator);
                assert_int_equal(header.length, length);
        }
}

static void damaged_headers(void **state)
{
        static const char *const texts[] = {
                "",
                "Y",
                "YUV4MPEG2",
                "YUV4MPEG2 W4 H2",
                "YUV4MPEG3 W4 H2\n",
                "YUV4MPEG2W4 H2\n",
                "YUV4MPEG2 \n",
                "YUV4MPEG2 W4\n",
                "YUV4MPEG2 H2\n",
                "YUV4MPEG2 W0 H2\n",
                "YUV4MPEG2 W-4 H2\n",
                "YUV4MPEG2 W4x H2\n",
                "YUV4MPEG2 W H2\n",
                "YUV4MPEG2 W4294967300 H2\n",
                "YUV4MPEG2 W999999999 H999999999\n",
                "YUV4MPEG2 W16386 H2\n",
                "YUV4MPEG2 W5 H2\n",
                "YUV4MPEG2 W4 H3\n",
                "YUV4MPEG2 W4 W4 H2\n",
                "YUV4MPEG2 W4 H2 F30\n",
                "YUV4MPEG2 W4 H2 F30:0\n",
                "YUV4MPEG2 W4 H2 F0:1\n",
                "YUV4MPEG2 W4 H2 F999999:1\n",
                "YUV4MPEG2 W4 H2 F1:999999\n",
                "YUV4MPEG2 W4 H2 F30:1:1\n",
                "YUV4MPEG2 W4 H2 Im\n",
                "YUV4MPEG2 W4 H2 Ipp\n",
                "YUV4MPEG2 W4 H2 A1\n",
                "YUV4MPEG2 W4 H2 C444\n",
                "YUV4MPEG2 W4 H2 C420p10\n",
                "YUV4MPEG2 W4 H2 C\n",
                "YUV4MPEG2 W4 H2 Q1\n",
                "YUV4MPEG2\tW4 H2\n",
                "\x89PNG\r\n\x1a\n",
        };

        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
                struct y4m_header header = {.length = 99};
                const char *reason = NULL;

                assert_int_equal(y4m_parse((const uint8_t *)texts[i], strlen(texts[i]), &header, &reason), -EBADMSG);
                assert_non_null(reason);
                assert_int_equal(header.length, 99);
        }
}

static void header_limits(void **state)
{
        uint8_t text[2 * Y4M_HEADER_MAX];
        struct y4m_header header;
        const char *reason;

        memset(text, ' ', sizeof text);
        memcpy(text, "YUV4MPEG2 W4 H2", 15);
        text[Y4M_HEADER_MAX - 1] = '\n';
        assert_int_equal(y4m_parse(text, sizeof text, &header, &reason), 0);
        text[Y4M_HEADER_MAX - 1] = ' ';
        text[Y4M_HEADER_MAX] = '\n';
        assert_int_equal(y4m_parse(text, sizeof text, &header, &reason), -EBADMSG);
        text[20] = '\0';
        text[30] = '\n';
        assert_int_equal(y4m_parse(text, sizeof text, &header, &reason), -EBADMSG);
}

static void damaged_files(void **state)
{
        static const char *const texts[] = {
                "YUV4MPEG2 W2 H2 Cmono\n",
                "YUV4MPEG2 W2 H2 Cmono\nFRAME\naaa",
                "YUV4MPEG2 W2 H2 Cmono\nFRAMEaaaa",
                "YUV4MPEG2 W2 H2 Cmono\nFRAMX\naaaa",
                "YUV4MPEG2 W2 H2 Cmono\nFRAME",
                "",
                "hello, world",
        };

        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
                struct camera *camera = (void *)1;
                char why[256] = "";

                temporary_file("bad.y4m", texts[i], strlen(texts[i]));
                assert_int_equal(camera_open(temporary_path("y4m:", "bad.y4m"), NULL, &camera, why, sizeof why),
                                 -EBADMSG);
                assert_ptr_equal(camera, (void *)1);
                assert_non_null(strstr(why, "create it"));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(round_trip),      cmocka_unit_test(once),
                cmocka_unit_test(damaged_frame),   cmocka_unit_test(good_headers),
                cmocka_unit_test(damaged_headers), cmocka_unit_test(header_limits),
                cmocka_unit_test(damaged_files),   cmocka_unit_test(stalled_reader),
                cmocka_unit_test(slow_reader),
        };

        return cmocka_run_group_tests_name("v4l2/y4m", tests, temporary_make, temporary_remove);
}
