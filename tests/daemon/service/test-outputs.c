/* Several outputs at once: a fault in one must not show in another.  The nodes are fake-node.c's, which the linker puts
 * in the place of ioctl() and others; there is no camera and no GPU. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/daemon/service/rig.h"
#include "tests/v4l2/fake-node.h"
#include "tests/v4l2/temporary.h"

/* What is logged goes to a file until log_restore(). */
static int own_stderr = -1;

static void log_divert(void)
{
        const int file = open(temporary_path("", "log"), O_RDWR | O_CREAT | O_TRUNC, 0600);

        own_stderr = dup(STDERR_FILENO);
        assert_true(file >= 0 && own_stderr >= 0);
        assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
        close(file);
}

static void log_restore(void)
{
        if (own_stderr < 0)
                return;
        dup2(own_stderr, STDERR_FILENO);
        close(own_stderr);
        own_stderr = -1;
}

static unsigned log_count(const char *words)
{
        FILE *file = fopen(temporary_path("", "log"), "re");
        char line[1024];
        unsigned n = 0;

        assert_non_null(file);
        while (fgets(line, sizeof line, file))
                n += strstr(line, words) != NULL;
        fclose(file);
        return n;
}

static int teardown(void **state)
{
        log_restore();
        return close_outputs(state);
}

static void same_frames(void **state)
{
        char first[PATH_MAX], second[PATH_MAX];

        snprintf(first, sizeof first, "%s", temporary_path("", "a.y4m"));
        snprintf(second, sizeof second, "%s", temporary_path("", "b.y4m"));
        open_outputs(temporary_path("y4m:", "a.y4m"), temporary_path("y4m:", "b.y4m"));
        for (int i = 1; i <= 5; i++)
                compose((uint8_t)i);
        for (int i = 1; i <= 5; i++) {
                assert_int_equal(count(first, (uint8_t)i), 1);
                assert_int_equal(count(second, (uint8_t)i), 1);
        }
        assert_int_equal(sv.stats.shown.count, 5); /* frames, not showings */
        assert_int_equal(supervisor_outputs_readers(&sv), 2);
}

/* A device repeatedly gets what a file gets once. */
static void each_as_it_wants(void **state)
{
        open_outputs("/dev/null", temporary_path("y4m:", "c.y4m"));
        compose(9);
        UNTIL(sv.stats.repeated > 5);
        assert_true(node_shows(9));
        assert_int_equal(count(temporary_path("", "c.y4m"), 9), 1);
}

static void node_is_unplugged(void **state)
{
        const char *path = temporary_path("", "d.y4m");
        const struct output *node = &sv.output.list[0];

        open_outputs("/dev/null", temporary_path("y4m:", "d.y4m"));
        compose(1);
        UNTIL(node_shows(1));
        fake.fail_request = VIDIOC_QBUF;
        fake.fail_errno = ENODEV;
        UNTIL(node->state == OUTPUT_WAITING);
        fake.fail_request = VIDIOC_QUERYCAP; /* nor can it be opened again, for a while */
        fake.fail_errno = ENOTTY;
        for (uint8_t i = 2; i < 10; i++) {
                compose(i);
                turn();
        }
        assert_true(sv.output.live && sv.output.watched);
        assert_true(node->state == OUTPUT_WAITING);
        for (uint8_t i = 1; i < 10; i++)
                assert_int_equal(count(path, i), 1);
        fake.fail_request = 0;
        UNTIL(node->state == OUTPUT_OPEN);
        compose(11);
        UNTIL(node_shows(11));
        assert_int_equal(count(path, 11), 1);
        assert_int_equal(stops, 0);
}

static void disk_is_full(void **state)
{
        const char *path = temporary_path("", "e.y4m");
        const struct output *file = &sv.output.list[1];
        const struct rlimit full = {.rlim_cur = 5000, .rlim_max = RLIM_INFINITY};
        const struct rlimit room = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

        signal(SIGXFSZ, SIG_IGN);
        open_outputs("/dev/null", temporary_path("y4m:", "e.y4m"));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
        for (uint8_t i = 1; i < 10; i++) {
                compose(i);
                UNTIL(node_shows(i));
        }
        assert_true(file->state == OUTPUT_WAITING);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &room), 0);
        UNTIL(file->state == OUTPUT_OPEN);
        compose(20);
        compose(21);
        assert_int_equal(count(path, 20), 1);
        assert_int_equal(count(path, 21), 1);
        assert_true(node_shows(9) || node_shows(20) || node_shows(21));
        assert_int_equal(stops, 0);
}

static void reader_of_a_pipe_goes(void **state)
{
        int reader;

        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(mkfifo(temporary_path("", "pipe"), 0600), 0);
        reader = open(temporary_path("", "pipe"), O_RDONLY | O_NONBLOCK);
        assert_true(reader >= 0);
        open_outputs("/dev/null", temporary_path("y4m:", "pipe"));
        compose(1);
        close(reader);
        UNTIL(sv.output.list[1].state == OUTPUT_ENDED);
        compose(2);
        UNTIL(node_shows(2));
        assert_int_equal(stops, 0);
}

/* The last output that cannot come back is a reason to end. */
static void nothing_is_left(void **state)
{
        int reader;

        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(mkfifo(temporary_path("", "last"), 0600), 0);
        reader = open(temporary_path("", "last"), O_RDONLY | O_NONBLOCK);
        open_outputs(temporary_path("y4m:", "last"), "");
        close(reader);
        UNTIL(stops > 0);
}

/* The driver has no free buffer, and never again: that is not the reader's slowness. */
static void never_a_buffer(void **state)
{
        const struct output *node = &sv.output.list[0];
        uint64_t begin, longest = 0;

        open_outputs("/dev/null", temporary_path("y4m:", "g.y4m"));
        compose(1);
        UNTIL(node_shows(1));
        fake.fail_request = VIDIOC_DQBUF;
        fake.fail_errno = EAGAIN;
        begin = stats_now();
        while (node->state == OUTPUT_OPEN) {
                assert_true(stats_now() < begin + 10000000000ull);
                longest = stats_now() - begin;
                turn();
        }
        assert_true(longest > 4000000000ull); /* not at the first */
        fake.fail_request = 0;
        UNTIL(node->state == OUTPUT_OPEN);
        compose(3);
        UNTIL(node_shows(3));
        assert_int_equal(stops, 0);
}

static void uncounted_readers(void **state)
{
        if (access("/sys/module/v4l2loopback", F_OK) == 0)
                skip();
        fake.event_type = 0; /* and there is no module to count the openers of */
        log_divert();
        open_outputs("/dev/null", "");
        assert_int_equal(supervisor_outputs_readers(&sv), 1);
        assert_true(sv.output.watched);
        assert_int_equal(log_count("/dev/null: its readers cannot be counted: "), 1);
        assert_int_equal(log_count("counted again"), 0);
        fake.event_type = V4L2_EVENT_PRIVATE_START;
        UNTIL(supervisor_outputs_readers(&sv) == 0);
        assert_int_equal(log_count("cannot be counted"), 1);
        assert_int_equal(log_count("/dev/null: its readers are counted again"), 1);
        log_restore();
        fake_tell(1);
        UNTIL(supervisor_outputs_readers(&sv) == 1);
}

/* The placeholder is drawn beside the loop, and what it says last is what is seen. */
static void placeholder_follows(void **state)
{
        uint8_t *starting;

        open_outputs("/dev/null", "");
        assert_null(placeholder_task_bytes(&sv.output.placeholder));
        supervisor_outputs_say(&sv, "starting");
        UNTIL(placeholder_task_bytes(&sv.output.placeholder));
        starting = malloc(SIZE);
        memcpy(starting, placeholder_task_bytes(&sv.output.placeholder), SIZE);
        UNTIL(fake.shown_n && !memcmp(fake.memory[fake.last.index % fake.used], starting, SIZE));
        for (int i = 0; i < 20; i++)
                supervisor_outputs_say(&sv, i % 2 ? "the GPU is being restarted" : "paused");
        supervisor_outputs_say(&sv, "starting");
        placeholder_task_wait(&sv.output.placeholder);
        assert_memory_equal(placeholder_task_bytes(&sv.output.placeholder), starting, SIZE);
        free(starting);
}

static void half_size(struct v4l2_pix_format *pix)
{
        *pix = (struct v4l2_pix_format){W / 2, H / 2, V4L2_PIX_FMT_YUV420, V4L2_FIELD_NONE, W / 2, W * H * 3 / 8};
}

/* Frames are composed once, in one format. */
static void another_size(void **state)
{
        const struct output *node = &sv.output.list[1];

        fake.bend_format = half_size;
        open_outputs(temporary_path("y4m:", "h.y4m"), "/dev/null");
        assert_true(node->state == OUTPUT_WAITING);
        assert_non_null(strstr(node->cause.text, "16x16"));
        assert_non_null(strstr(node->cause.text, "32x32"));
        fake.bend_format = NULL;
        UNTIL(node->state == OUTPUT_OPEN);
        compose(4);
        UNTIL(node_shows(4));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset_node, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(same_frames),           TEST(each_as_it_wants), TEST(node_is_unplugged), TEST(disk_is_full),
                TEST(reader_of_a_pipe_goes), TEST(nothing_is_left),  TEST(never_a_buffer),    TEST(uncounted_readers),
                TEST(placeholder_follows),   TEST(another_size),
        };

        return cmocka_run_group_tests_name("daemon-outputs", tests, temporary_make, temporary_remove);
}
