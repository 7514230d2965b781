/* Pictures are compressed on a thread, one at a time, and none of their errors is lost.  The linker's --wrap replaces
 * picture_write_png() with a function of this file. */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <string.h>

#include "tests/cm.h"
#include "tests/v4l2/temporary.h"
#include "v4l2/files/picture.h"
#include "v4l2/sink.h"

#define W 4
#define H 2

static struct sink *sink;
static sem_t disk; /* writes one picture for each post */
static int result; /* of each */
static struct {
        char name[16];
        uint8_t shade;
} written[8];
static unsigned count;

int __wrap_picture_write_png(const char *path, uint32_t width, uint32_t height, const uint8_t *rgba);

int __wrap_picture_write_png(const char *path, uint32_t width, uint32_t height, const uint8_t *rgba)
{
        sem_wait(&disk);
        snprintf(written[count].name, sizeof written[count].name, "%s", strrchr(path, '/') + 1);
        written[count++].shade = rgba[0];
        return result;
}

static int show(uint8_t shade)
{
        uint8_t frame[W * H * 3 / 2];

        memset(frame, shade, W * H);
        memset(frame + W * H, 128, sizeof frame - W * H);
        return sink_show(sink, frame, 0);
}

static bool is_ready(int ms)
{
        return poll(&(struct pollfd){.fd = sink_fd(sink), .events = POLLIN}, 1, ms) == 1;
}

static void let_one_finish(void)
{
        sem_post(&disk);
        assert_true(is_ready(10000));
}

static int setup(void **state)
{
        const struct frame_format format = {.width = W, .height = H, .full_range = true};

        result = 0;
        count = 0;
        sem_init(&disk, 0, 0);
        return sink_open(temporary_path("png:", "%d.png"), &format, (struct frame_rate){30, 1}, &sink, NULL, 0);
}

static int teardown(void **state)
{
        sink_close(sink);
        sem_destroy(&disk);
        return 0;
}

static void nobody_waits(void **state)
{
        assert_int_equal(show(10), 0);
        for (int i = 0; i < 3; i++)
                assert_int_equal(show(20), -EAGAIN);
        assert_int_equal(sink_dispatch(sink), 0);
        assert_false(is_ready(0));
        let_one_finish();
        assert_int_equal(sink_dispatch(sink), 0);
        assert_false(is_ready(0));
        assert_int_equal(show(30), 0);
        let_one_finish();
        assert_int_equal(count, 2);
        assert_string_equal(written[0].name, "0.png");
        assert_string_equal(written[1].name, "1.png");
        assert_int_equal(written[0].shade, 10);
        assert_int_equal(written[1].shade, 30);
}

/* The first call after an error returns it, and the next picture gets the number. */
static void tells_errors_once(void **state)
{
        result = -ENOSPC;
        assert_int_equal(show(10), 0);
        let_one_finish();
        assert_int_equal(sink_dispatch(sink), -ENOSPC);
        assert_int_equal(sink_dispatch(sink), 0);
        assert_int_equal(show(20), 0);
        let_one_finish();
        assert_int_equal(show(30), -ENOSPC);
        assert_int_equal(show(30), 0);
        sem_post(&disk);
        assert_int_equal(sink_flush(sink), -ENOSPC);
        result = 0;
        assert_int_equal(show(40), 0);
        sem_post(&disk);
        assert_int_equal(sink_flush(sink), 0);
        assert_string_equal(written[count - 1].name, "0.png");
}

/* A frame that was taken is written, whether or not anybody waits for it. */
static void finishes_at_the_end(void **state)
{
        assert_int_equal(show(10), 0);
        sem_post(&disk);
        sink_close(sink);
        sink = NULL;
        assert_int_equal(count, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {TEST(nobody_waits), TEST(tells_errors_once), TEST(finishes_at_the_end)};

        return cmocka_run_group_tests_name("v4l2/png-sink", tests, temporary_make, temporary_remove);
}
