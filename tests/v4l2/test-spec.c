#include <errno.h>
#include <linux/videodev2.h>
#include <sys/stat.h>

#include "tests/cm.h"
#include "tests/v4l2/temporary.h"
#include "v4l2/camera.h"
#include "v4l2/files/picture.h"
#include "v4l2/sink.h"

static void refuse_camera(const char *spec, int error, const char *text)
{
        struct camera *camera = (void *)1;
        char why[300] = "";
        int r = camera_open(spec, NULL, &camera, why, sizeof why);

        if (r != error || !strstr(why, text) || strchr(why, '\n'))
                fail_msg("%s: %d \"%s\", not %d \"%s\"", spec, r, why, error, text);
        assert_ptr_equal(camera, (void *)1);
        assert_int_equal(camera_open(spec, NULL, &camera, NULL, 0), error);
        assert_int_equal(camera_open(spec, NULL, &camera, why, 1), error); /* no room to explain */
        assert_string_equal(why, "");
}

static void cameras(void **state)
{
        static char path[5000];

        memset(path, 'x', sizeof path - 1);
        refuse_camera(NULL, -EINVAL, "use /dev/videoN");
        refuse_camera("", -EINVAL, "use /dev/videoN");
        refuse_camera(path, -EINVAL, "too long");
        memcpy(path, "y4m:", 4);
        refuse_camera(path, -EINVAL, "closer");
        refuse_camera("/dev/video-none", -ENOENT, "plug it in");
        refuse_camera("usb-Nobody_Camera-index0", -ENOENT, "/dev/v4l/by-id/usb-Nobody_Camera-index0: no such camera");
        refuse_camera("/dev/null", -ENODEV, "not a video device");
        refuse_camera("/dev/null/video0", -ENOTDIR, "visagectl cameras");
        refuse_camera(temporary, -ENODEV, "folder");
        refuse_camera(temporary_file("picture", "x", 1), -ENODEV, "image:FILE");
        refuse_camera("image:", -EINVAL, "write image:FILE");
        refuse_camera("image:?move", -EINVAL, "write image:FILE");
        refuse_camera("image:a.png?spin", -EINVAL, "image:FILE?move");
        refuse_camera("image:a.png?", -EINVAL, "image:FILE?move");
        refuse_camera("y4m:a.y4m?move", -EINVAL, "y4m:FILE?once");
        refuse_camera(temporary_path("image:", "none.png"), -ENOENT, "check the name");
        refuse_camera(temporary_path("y4m:", "none.y4m"), -ENOENT, "check the name");
        refuse_camera(temporary_path("image:", "picture"), -EBADMSG, "neither PNG nor JPEG");
        refuse_camera(temporary_path("y4m:", "picture"), -EBADMSG, "YUV4MPEG2");
        refuse_camera(temporary_path("y4m:", ""), -EBADMSG, "name a YUV4MPEG2 file");
}

/* Names come from devices, files and other users: they must not control a terminal. */
static void control_characters(void **state)
{
        struct camera *camera;
        char why[300];

        assert_int_equal(camera_open("/dev/\033[2J\a\302\233H\303\244\x7f", NULL, &camera, why, sizeof why), -ENOENT);
        assert_ptr_equal(strstr(why, "/dev/?[2J?"), why);
        assert_non_null(strstr(why, "H\303\244?:"));
        for (const char *c = why; *c; c++)
                assert_true((unsigned char)*c >= ' ' && *c != 0x7f && strncmp(c, "\302\233", 2));
}

static void no_permission(void **state)
{
        char path[256];

        if (geteuid())
                skip();
        snprintf(path, sizeof path, "%s", temporary_path("", "node"));
        if (mknod(path, S_IFCHR | 0600, 1 << 8 | 3) < 0)
                skip();
        chmod(temporary, 0755);
        assert_int_equal(seteuid(65534), 0);
        refuse_camera(path, -EACCES, "group \"video\"");
        assert_int_equal(seteuid(0), 0);
}

static void refuse_sink(const char *spec, int error, const char *text)
{
        const struct frame_format format = {.width = 64, .height = 48};
        struct sink *sink = (void *)1;
        char why[300] = "";
        int r = sink_open(spec, &format, (struct frame_rate){30, 1}, &sink, why, sizeof why);

        if (r != error || !strstr(why, text) || strchr(why, '\n'))
                fail_msg("%s: %d \"%s\", not %d \"%s\"", spec, r, why, error, text);
        assert_ptr_equal(sink, (void *)1);
}

static void sinks(void **state)
{
        refuse_sink(NULL, -EINVAL, "use /dev/videoN");
        refuse_sink("", -EINVAL, "use /dev/videoN");
        refuse_sink("video10", -EINVAL, "use /dev/videoN");
        refuse_sink("y4m:", -EINVAL, "write y4m:FILE");
        refuse_sink("png:", -EINVAL, "write png:FILE");
        refuse_sink("/dev/video-none", -ENOENT, "modprobe v4l2loopback");
        refuse_sink("/dev/null", -ENODEV, "load v4l2loopback");
        refuse_sink(temporary_path("y4m:", "no/file"), -ENOENT, "writable");
        refuse_sink(temporary_path("y4m:", ""), -EISDIR, "writable");
        refuse_sink(temporary_path("png:", "out.png"), -EINVAL, "%04d");
        refuse_sink(temporary_path("png:", "%s.png"), -EINVAL, "%04d");
        refuse_sink(temporary_path("png:", "%d%d.png"), -EINVAL, "%04d");
        refuse_sink(temporary_path("png:", "%d%%.png"), -EINVAL, "%04d");
        refuse_sink(temporary_path("png:", "%5d.png"), -EINVAL, "%04d");
        refuse_sink(temporary_path("png:", "%0d.png"), -EINVAL, "%04d");
        refuse_sink(temporary_path("png:", "none/%d.png"), -ENOENT, "folder");
        refuse_sink("y4m:/dev/full", -ENOSPC, "writable");
}

static void sink_sizes(void **state)
{
        struct frame_format format = {.width = 65, .height = 49, .fourcc = V4L2_PIX_FMT_NV12};
        struct sink *sink;
        char why[300];

        assert_int_equal(sink_open("y4m:/dev/null", &format, (struct frame_rate){0, 0}, &sink, NULL, 0), 0);
        assert_int_equal(sink_format(sink)->width, 64);
        assert_int_equal(sink_format(sink)->height, 48);
        assert_int_equal(sink_format(sink)->fourcc, V4L2_PIX_FMT_YUV420);
        sink_close(sink);
        format = (struct frame_format){0};
        assert_int_equal(sink_open("y4m:/dev/null", &format, (struct frame_rate){30, 1}, &sink, NULL, 0), 0);
        assert_int_equal(sink_format(sink)->width, 640);
        sink_close(sink);
        format.width = 1;
        assert_int_equal(sink_open("y4m:/dev/null", &format, (struct frame_rate){30, 1}, &sink, why, sizeof why),
                         -EINVAL);
        assert_non_null(strstr(why, "choose another"));
        sink_close(NULL);
        camera_close(NULL);
}

/* Colours through the PNG sink: what the standards give for the primaries, both matrices, both ranges. */
static void png_colours(void **state)
{
        static const struct {
                enum frame_matrix matrix;
                bool full;
                uint8_t yuv[3], rgb[3];
        } cases[] = {
                {FRAME_BT601, false, {235, 128, 128}, {255, 255, 255}},
                {FRAME_BT601, false, {16, 128, 128}, {0, 0, 0}},
                {FRAME_BT601, false, {81, 90, 240}, {254, 0, 0}},
                {FRAME_BT601, false, {145, 54, 34}, {0, 255, 1}},
                {FRAME_BT601, false, {41, 240, 110}, {0, 0, 255}},
                {FRAME_BT601, true, {76, 85, 255}, {254, 0, 0}},
                {FRAME_BT601, true, {200, 128, 128}, {200, 200, 200}},
                {FRAME_BT709, false, {63, 102, 240}, {255, 1, 0}},
                {FRAME_BT709, true, {182, 30, 12}, {0, 255, 0}},
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                const struct frame_format format = {
                        .width = 4, .height = 2, .matrix = cases[i].matrix, .full_range = cases[i].full};
                uint8_t frame[12];
                struct picture picture;
                struct sink *sink;

                memset(frame, cases[i].yuv[0], 8);
                memset(frame + 8, cases[i].yuv[1], 2);
                memset(frame + 10, cases[i].yuv[2], 2);
                assert_int_equal(sink_open(temporary_path("png:", "c%03d.png"), &format, (struct frame_rate){30, 1},
                                           &sink, NULL, 0),
                                 0);
                for (int n = 0; n < 2; n++) {
                        assert_int_equal(sink_show(sink, frame, 0), 0);
                        assert_int_equal(sink_flush(sink), 0);
                }
                sink_close(sink);
                assert_int_equal(picture_read(temporary_path("", "c001.png"), &picture, NULL, 0), 0);
                for (int p = 0; p < 8; p++)
                        for (int c = 0; c < 3; c++)
                                assert_in_range(picture.rgba[p * 4 + c] + 2, cases[i].rgb[c], cases[i].rgb[c] + 4);
                picture_free(&picture);
        }
}

static void full_disk(void **state)
{
        const struct frame_format format = {.width = 4, .height = 2};
        uint8_t frame[12] = {0};
        char folder[256];
        struct sink *sink;

        snprintf(folder, sizeof folder, "%s", temporary_path("", "gone"));
        mkdir(folder, 0700);
        assert_int_equal(
                sink_open(temporary_path("png:", "gone/%d.png"), &format, (struct frame_rate){30, 1}, &sink, NULL, 0),
                0);
        rmdir(folder);
        for (int n = 0; n < 2; n++) {
                assert_int_equal(sink_show(sink, frame, 0), 0);
                assert_int_equal(sink_flush(sink), -ENOENT);
                assert_int_equal(sink_flush(sink), 0); /* reported once */
        }
        sink_close(sink);
}

static void browsers(void **state)
{
        static const uint32_t sizes[][3] = {{640, 480, 1},  {1280, 720, 1},  {1920, 1080, 1},      {128, 96, 1},
                                            {480, 640, 0},  {640, 360, 0},   {641, 480, 0},        {0, 0, 0},
                                            {1280, 960, 0}, {1440, 1080, 1}, {65536 + 640, 480, 0}};

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
                assert_int_equal(sink_size_accepted(sizes[i][0], sizes[i][1]), sizes[i][2]);
}

static void file_readers(void **state)
{
        const struct frame_format format = {.width = 64, .height = 48};
        struct sink *sink;

        assert_int_equal(
                sink_open(temporary_path("y4m:", "read.y4m"), &format, (struct frame_rate){30, 1}, &sink, NULL, 0), 0);
        assert_int_equal(sink_fd(sink), -1);
        assert_int_equal(sink_dispatch(sink), 0);
        assert_int_equal(sink_readers(sink), 1);
        sink_close(sink);
}

/* The kind of an output is known before it is opened. */
static void sink_kinds(void **state)
{
        static const struct {
                const char *spec;
                bool device;
        } cases[] = {{"/dev/video10", true}, {"y4m:x", false}, {"y4m:-", false}, {"png:%d.png", false}};

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                const struct sink_kind kind = sink_kind(cases[i].spec);

                assert_int_equal(kind.reopens, cases[i].device);
                assert_int_equal(kind.steady, cases[i].device);
                assert_int_equal(kind.placeholders, cases[i].device);
        }
}

static void listing(void **state)
{
        struct camera_info *list = NULL;
        int n = camera_list(&list);

        assert_true(n >= 0); /* a machine may have cameras */
        for (int i = 0; i < n; i++)
                assert_int_equal(strncmp(list[i].node, "/dev/video", 10), 0);
        free(list);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cameras),
                cmocka_unit_test(no_permission),
                cmocka_unit_test(sinks),
                cmocka_unit_test(sink_sizes),
                cmocka_unit_test(sink_kinds),
                cmocka_unit_test(png_colours),
                cmocka_unit_test(full_disk),
                cmocka_unit_test(listing),
                cmocka_unit_test(browsers),
                cmocka_unit_test(file_readers),
                cmocka_unit_test(control_characters),
        };

        return cmocka_run_group_tests_name("v4l2/spec", tests, temporary_make, temporary_remove);
}
