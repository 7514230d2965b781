/* camera-endure NODE KIND TIMES: captures from vivid while one kind of vivid's faults is injected again and again.
 * It does what the daemon does: on an error, or when nothing has come for 2 s, it closes the camera and opens it
 * again.  Prints how often it recovered, and how long it took until the next good frame.  Without KIND, lists the
 * kinds.  Root only. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "v4l2/camera.h"
#include "v4l2/frame-timer.h"

#define MS 1000000ull
#define STALL_MS 2000
#define PATIENCE_MS 20000
#define DRIVER "/sys/bus/platform/drivers/vivid/"
#define DEVICE "vivid.0"
#define TIMES_MAX 1000

enum effect { EFFECT_ERROR, EFFECT_CORRUPT, EFFECT_LOST, EFFECT_NONE };

static const struct kind {
        const char *name, *control; /* control: NULL unbinds the driver */
        int value, normal;  /* of the control during the fault and after it; if they are equal, it is a button */
        bool reopen;        /* it only has an effect when the camera is opened */
        enum effect effect; /* what shows that it happened */
        unsigned seconds;   /* until it happens; 0: at once */
        int input;
} kinds[] = {
        {"error-flag", "Inject V4L2_BUF_FLAG_ERROR", 1, 1, .effect = EFFECT_CORRUPT},
        {"fatal", "Inject Fatal Streaming Error", 1, 1},
        {"qbuf", "Inject VIDIOC_QBUF Error", 1, 1},
        {"reqbufs", "Inject VIDIOC_REQBUFS Error", 1, 1, .reopen = true, .effect = EFFECT_NONE},
        {"streamon", "Inject VIDIOC_STREAMON Error", 1, 1, .reopen = true},
        {"disconnect", "Disconnect", 1, 1},
        {"dropped", "Percentage of Dropped Buffers", 70, 0, .effect = EFFECT_LOST},
        {"sequence-wrap", "Wrap Sequence Number", 1, 0, .reopen = true, .effect = EFFECT_NONE, .seconds = 3},
        {"timestamp-wrap-64", "Wrap Timestamp", 1, 0, .reopen = true, .effect = EFFECT_NONE, .seconds = 17},
        {"timestamp-wrap-32", "Wrap Timestamp", 2, 0, .reopen = true, .effect = EFFECT_NONE, .seconds = 17},
        {"source-change", "DV Timings Signal Mode", 1, 0, .input = 3},
        {"unbind", NULL},
};

static struct {
        const char *node;
        struct camera *camera;
        uint64_t good_at, time_ns; /* when the last good frame arrived, and its own timestamp */
        uint64_t frames;           /* good ones */
        uint64_t corrupt, lost;    /* of the cameras that are closed */
        unsigned errors;
} s;

static void close_camera(void)
{
        if (!s.camera)
                return;
        s.corrupt += camera_counters(s.camera)->corrupt;
        s.lost += camera_counters(s.camera)->lost;
        camera_close(s.camera);
        s.camera = NULL;
}

static uint64_t corrupt(void)
{
        return s.corrupt + (s.camera ? camera_counters(s.camera)->corrupt : 0);
}

static uint64_t lost(void)
{
        return s.lost + (s.camera ? camera_counters(s.camera)->lost : 0);
}

static void open_camera(void)
{
        const struct camera_wish wish = {320, 180, {60, 1}};

        if (camera_open(s.node, &wish, &s.camera, NULL, 0) < 0)
                s.camera = NULL;
        if (s.camera && !camera_start(s.camera)) {
                s.good_at = monotonic_now();
                s.time_ns = 0;
                return;
        }
        s.errors++;
        close_camera();
        usleep(20000);
}

static void turn(void)
{
        struct pollfd fd = {.events = POLLIN | POLLPRI};
        struct frame frame;
        int r;

        if (!s.camera) {
                open_camera();
                return;
        }
        fd.fd = camera_fd(s.camera);
        poll(&fd, 1, 100);
        r = camera_next(s.camera, &frame);
        if (!r) {
                /* a frame's timestamp must be right and never go back */
                if (frame.time_ns < s.time_ns || frame.time_ns > monotonic_now() ||
                    monotonic_now() - frame.time_ns > 3000 * MS)
                        exit(3);
                s.time_ns = frame.time_ns;
                s.good_at = monotonic_now();
                s.frames++;
                r = camera_release(s.camera, &frame);
        }
        if ((r && r != -EAGAIN) || monotonic_now() - s.good_at > STALL_MS * MS) {
                s.errors++;
                close_camera();
        }
}

/* Waits for more good frames.  False: they did not come. */
static bool wait_frames(unsigned n)
{
        uint64_t want = s.frames + n, end = monotonic_now() + PATIENCE_MS * MS;

        while (s.frames < want && monotonic_now() < end)
                turn();
        return s.frames >= want;
}

static bool set_control(const char *name, int value)
{
        struct v4l2_queryctrl query = {.id = V4L2_CTRL_FLAG_NEXT_CTRL};
        int fd = open(s.node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        bool done = false;

        while (!done && ioctl(fd, VIDIOC_QUERYCTRL, &query) == 0) {
                struct v4l2_control control = {.id = query.id, .value = value};

                if (!strcmp((char *)query.name, name))
                        done = ioctl(fd, VIDIOC_S_CTRL, &control) == 0;
                query.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
        }
        close(fd);
        return done;
}

static bool set_input(int input)
{
        int fd = open(s.node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        bool done;

        done = ioctl(fd, VIDIOC_S_INPUT, &input) == 0;
        close(fd);
        return done;
}

static bool bind_driver(const char *what)
{
        int fd = open(what, O_WRONLY | O_CLOEXEC);
        bool done = write(fd, DEVICE, strlen(DEVICE)) == (ssize_t)strlen(DEVICE);

        close(fd);
        return done;
}

static bool happened(const struct kind *kind, unsigned errors, uint64_t were_corrupt, uint64_t were_lost)
{
        switch (kind->effect) {
        case EFFECT_ERROR:
                return s.errors > errors;
        case EFFECT_CORRUPT:
                return corrupt() > were_corrupt;
        case EFFECT_LOST:
                return lost() > were_lost;
        case EFFECT_NONE:
                break;
        }
        return true;
}

static bool inject(const struct kind *kind)
{
        if (kind->control)
                return set_control(kind->control, kind->value);
        if (!bind_driver(DRIVER "unbind"))
                return false;
        for (int i = 0; i < 10; i++)
                turn();
        return bind_driver(DRIVER "bind");
}

/* Returns the time until the next good frame in ms.  -1: the fault did not happen; -2: no frame came after it. */
static int once(const struct kind *kind)
{
        uint64_t begin, end, were_corrupt = corrupt(), were_lost = lost();
        unsigned errors = s.errors;
        int result;

        if (!wait_frames(5))
                return -2;
        begin = monotonic_now();
        if (!inject(kind))
                return -1;
        if (kind->reopen)
                close_camera();
        for (end = begin + PATIENCE_MS * MS; !happened(kind, errors, were_corrupt, were_lost); turn())
                if (monotonic_now() > end)
                        return -1;
        if (!wait_frames(1))
                return -2;
        result = (int)((s.good_at - begin) / MS);
        for (end = begin + kind->seconds * 1000 * MS; monotonic_now() < end;)
                turn();
        /* the next fault needs another change of the source, so this one is undone */
        if (kind->control && kind->value != kind->normal && !set_control(kind->control, kind->normal))
                return -1;
        return wait_frames(5) ? result : -2;
}

static int compare(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

static unsigned descriptors(void)
{
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

static int run(const struct kind *kind, int times)
{
        static int ms[TIMES_MAX];
        int injected = 0, recovered = 0;
        unsigned before = descriptors();

        if (!set_input(kind->input))
                return 2;
        for (int i = 0; i < times; i++) {
                int result = once(kind);

                injected += result != -1;
                if (result >= 0)
                        ms[recovered++] = result;
        }
        close_camera();
        set_input(0);
        qsort(ms, (size_t)recovered, sizeof ms[0], compare);
        printf("%-18s injected %4d  recovered %4d  p50 %5d ms  p95 %5d ms  corrupt %4ju  descriptors left %d\n",
               kind->name, injected, recovered, recovered ? ms[recovered / 2] : -1,
               recovered ? ms[recovered * 95 / 100] : -1, (uintmax_t)corrupt(), (int)descriptors() - (int)before);
        return injected != times || recovered != times || descriptors() != before;
}

int main(int argc, char **argv)
{
        int times = argc > 3 ? atoi(argv[3]) : 1;

        s.node = argc > 1 ? argv[1] : "/dev/video0";
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
                if (argc < 3)
                        printf("%s\n", kinds[i].name);
                else if (!strcmp(kinds[i].name, argv[2]))
                        return run(&kinds[i], times < TIMES_MAX ? times : TIMES_MAX);
        return argc < 3 ? 0 : 2;
}
