/* What v4l2loopback can do wrong.  The test does what the daemon does: on an error, it closes the virtual camera and
 * opens it again. */
#include <errno.h>
#include <string.h>

#include "tests/cm.h"
#include "tests/v4l2/campaign.h"
#include "tests/v4l2/fake-node.h"
#include "v4l2/sink.h"

#define W 64
#define H 48
#define STEPS 30
#define AT_MAX 14
#define GOOD_MIN 4

struct fault {
        const char *name;
        unsigned long request;
        int error;
        unsigned times, lasts; /* failures, 0: all while it lasts; steps, 0: one */
        bool reopen;
        void (*begin)(void);
};

static struct {
        const struct fault *fault;
        struct sink *sink;
        unsigned at, good;
        uint8_t pixels[W * H * 2];
} s;

static bool lasting(unsigned step)
{
        return step >= s.at && step < s.at + (s.fault->lasts ? s.fault->lasts : 1);
}

static void close_sink(void)
{
        sink_close(s.sink);
        s.sink = NULL;
        s.good = 0;
        assert_int_equal(fake.mapped, 0);
}

static void open_sink(void)
{
        const struct frame_format wish = {.fourcc = V4L2_PIX_FMT_YUYV, .width = W, .height = H};
        char why[256] = "";

        if (sink_open("/dev/null", &wish, (struct frame_rate){25, 1}, &s.sink, why, sizeof why) < 0) {
                assert_true(strchr(why, ';') && !strchr(why, '\n')); /* what is wrong; what to do */
                assert_int_equal(fake.mapped, 0);
                assert_null(s.sink);
        } else if (sink_format(s.sink)->size != sizeof s.pixels) {
                close_sink(); /* a reader that held the node has kept its size */
        }
}

static void run_producer(unsigned step)
{
        unsigned shown = fake.shown_n;
        int r;

        if (!s.sink) {
                open_sink();
                return;
        }
        memset(s.pixels, (int)step + 1, sizeof s.pixels);
        r = sink_show(s.sink, s.pixels, step * 40000000ull);
        if (r && r != -EAGAIN) {
                close_sink();
        } else if (!r) {
                assert_int_equal(fake.shown_n, shown + 1);
                assert_memory_equal(fake.memory[fake.last.index % fake.used], s.pixels, sizeof s.pixels);
                s.good++;
        }
}

static void beyond(struct v4l2_buffer *buffer)
{
        buffer->index = fake.count + 3;
}
static void index_beyond(void)
{
        fake.bend_buffer = beyond;
}

static void other_size(struct v4l2_pix_format *pix)
{
        *pix = (struct v4l2_pix_format){32, 24, V4L2_PIX_FMT_YUYV, V4L2_FIELD_NONE, 64, 64 * 24};
}
static void held_format(void)
{
        fake.bend_format = other_size;
}

static void foreign(struct v4l2_pix_format *pix)
{
        pix->pixelformat = V4L2_PIX_FMT_MJPEG;
}
static void foreign_format(void)
{
        fake.bend_format = foreign;
}

static void second_producer(void)
{
        fake.producer = true;
        fake.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
}

static void capabilities_lost(void)
{
        fake.producer = true;
        fake.caps = V4L2_CAP_STREAMING;
}

static void other_driver(void)
{
        fake.driver = "uvcvideo";
}

static void reader_takes_two(void)
{
        fake.used = 2;
}

static void reader_takes_one(void)
{
        fake.used = 1;
}

#define ONCE(what, call, r)                                                                                            \
        {                                                                                                              \
                what, call, r, .times = 1                                                                              \
        }
#define OPEN(what, call, r)                                                                                            \
        {                                                                                                              \
                what, call, r, .lasts = 4, .reopen = true                                                              \
        }
#define BEGIN(what, how, again)                                                                                        \
        {                                                                                                              \
                what, .begin = how, .lasts = 4, .reopen = again                                                        \
        }

static const struct fault faults[] = {
        {"DQBUF EAGAIN, for long", VIDIOC_DQBUF, EAGAIN, .lasts = 8},
        ONCE("DQBUF EIO", VIDIOC_DQBUF, EIO),
        ONCE("DQBUF EINVAL", VIDIOC_DQBUF, EINVAL),
        ONCE("DQBUF ENODEV", VIDIOC_DQBUF, ENODEV),
        ONCE("DQBUF ENOTTY", VIDIOC_DQBUF, ENOTTY),
        ONCE("QBUF EIO", VIDIOC_QBUF, EIO),
        ONCE("QBUF EINVAL", VIDIOC_QBUF, EINVAL),
        ONCE("QBUF ENODEV", VIDIOC_QBUF, ENODEV),
        ONCE("QBUF ENXIO", VIDIOC_QBUF, ENXIO),
        ONCE("QUERYBUF EINVAL, while it shows", VIDIOC_QUERYBUF, EINVAL),
        BEGIN("DQBUF gives an index too large", index_beyond, false),
        BEGIN("a reader asks for two buffers", reader_takes_two, false),
        BEGIN("a reader asks for one buffer", reader_takes_one, false),
        OPEN("the module is unloaded for a while", VIDIOC_QUERYCAP, ENODEV),
        OPEN("S_FMT EBUSY", VIDIOC_S_FMT, EBUSY),
        OPEN("S_FMT EPERM", VIDIOC_S_FMT, EPERM),
        OPEN("S_FMT EINVAL", VIDIOC_S_FMT, EINVAL),
        OPEN("S_PARM ENOTTY", VIDIOC_S_PARM, ENOTTY),
        OPEN("REQBUFS EBUSY", VIDIOC_REQBUFS, EBUSY),
        OPEN("REQBUFS EIO", VIDIOC_REQBUFS, EIO),
        OPEN("QUERYBUF EIO", VIDIOC_QUERYBUF, EIO),
        OPEN("mmap() EAGAIN", FAKE_MMAP, EAGAIN),
        OPEN("STREAMON EBUSY", VIDIOC_STREAMON, EBUSY),
        OPEN("STREAMON EIO", VIDIOC_STREAMON, EIO),
        OPEN("STREAMOFF EIO", VIDIOC_STREAMOFF, EIO),
        BEGIN("another producer has the node", second_producer, true),
        BEGIN("neither camera nor output any more", capabilities_lost, true),
        BEGIN("the node is another driver's", other_driver, true),
        BEGIN("a reader holds another size", held_format, true),
        BEGIN("a reader holds a foreign format", foreign_format, true),
};

static void be_well(void)
{
        fake.driver = "v4l2 loopback";
        fake.card = "Virtual";
        fake.caps = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING;
        fake.loopback = true;
        fake.producer = false;
        fake.buffers_max = 4;
        fake.fail_request = 0;
        fake.bend_buffer = NULL;
        fake.bend_format = NULL;
        fake.used = fake.count;
}

static void begin_fault(void)
{
        fake.fail_request = s.fault->request;
        fake.fail_errno = s.fault->error;
        fake.fail_times = s.fault->times;
        fake.fail_after = s.fault->request == FAKE_MMAP ? campaign_random(4) : 0;
        if (s.fault->begin)
                s.fault->begin();
        if (s.fault->reopen)
                close_sink();
}

static void session(const void *fault, struct campaign_score *score)
{
        bool again = false;

        fake_reset();
        be_well();
        memset(&s, 0, sizeof s);
        s.fault = fault;
        s.at = 2 + campaign_random(AT_MAX - 2);
        for (unsigned step = 0; step < STEPS; step++) {
                unsigned before = s.good;

                if (step == s.at)
                        begin_fault();
                if (step > s.at && !lasting(step) && lasting(step - 1))
                        be_well();
                run_producer(step);
                again |= step > s.at && !lasting(step) && s.good > before;
                score->lost += step >= s.at && !again && s.good <= before;
        }
        score->injected += !s.fault->request || fake.failed;
        score->recovered += s.sink && s.good >= GOOD_MIN;
        if (s.sink)
                close_sink();
        fake_reset();
}

int main(void)
{
        struct campaign_kind kinds[CAMPAIGN_KINDS_MAX];
        unsigned n = 0;

        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
                kinds[n++] = (struct campaign_kind){faults[i].name, session, &faults[i]};
        return campaign_run("v4l2/sink-faults", kinds, n);
}
