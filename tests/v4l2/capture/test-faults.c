/* Everything that a camera's driver can do wrong, at any moment.  The test does what the daemon does: on an error,
 * or when nothing has come for a while, it closes the camera and opens it again.  Each session must end with good
 * frames, and at each step every buffer has exactly one owner. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cm.h"
#include "tests/v4l2/campaign.h"
#include "tests/v4l2/fake-node.h"
#include "tests/v4l2/faults.h"
#include "v4l2/camera.h"
#include "v4l2/frame-timer.h"
#include "v4l2/jpeg.h"

#define W FAULT_WIDTH
#define H FAULT_HEIGHT
#define SIZE (W * H * 2)
#define STEPS 40
#define AT_MAX 18  /* the fault's step is below this */
#define STALL 8    /* steps without a frame, until the camera is opened again */
#define GOOD_MIN 4 /* frames in a row at the end */

static struct session {
        const struct fault *fault;
        struct camera *camera;
        unsigned at, quiet, good;
        uint32_t exposed, seen; /* numbers of the frames */
        bool again;             /* a good frame has come since the fault */
        uint32_t sequence;
        uint64_t time_ns;
} s;

static const struct fake_format yuyv = {V4L2_PIX_FMT_YUYV, {{W, H, {30}}}};
static const struct fake_format mjpeg = {V4L2_PIX_FMT_MJPEG, {{W, H, {30}}}};
static struct jpeg_file good_picture;
static uint8_t good_pixels[SIZE];

static bool lasting(unsigned step)
{
        return step >= s.at && step < s.at + (s.fault->lasts ? s.fault->lasts : 1);
}

static void expose_jpeg(unsigned step)
{
        struct jpeg_file file = lasting(step) ? s.fault->picture(s.fault->number) : good_picture;
        uint8_t *memory;

        assert_true(file.size <= SIZE); /* of a buffer */
        fake_lock();
        memory = fake_capture((uint32_t)file.size, 0, s.exposed + fault_sequence);
        if (memory)
                memcpy(memory, file.data, file.size);
        fake_unlock();
        if (memory) /* a thread decodes */
                poll(&(struct pollfd){.fd = camera_fd(s.camera), .events = POLLIN}, 1, 20000);
        if (file.data != good_picture.data)
                free(file.data);
}

/* The sensor continues, whether or not the driver has a buffer. */
static void expose(unsigned step)
{
        uint32_t bytes = SIZE, flags = 0, *memory;

        s.exposed++;
        if (!fake.streaming)
                return;
        if (s.fault->picture) {
                expose_jpeg(step);
                return;
        }
        if (lasting(step) && s.fault->bytes)
                bytes = s.fault->bytes < 0 ? 0 : (uint32_t)s.fault->bytes;
        if (lasting(step))
                flags = s.fault->flags;
        memory = (uint32_t *)(void *)fake_capture(bytes, flags, s.exposed + fault_sequence);
        if (memory && bytes == SIZE && !flags)
                memory[0] = memory[SIZE / 4 - 1] = s.exposed;
        else if (memory)
                memory[0] = memory[SIZE / 4 - 1] = 0; /* a reader must not see these */
}

static void close_camera(void)
{
        camera_close(s.camera);
        s.camera = NULL;
        s.good = 0;
        s.time_ns = 0;
        assert_int_equal(fake.mapped, 0);
}

static void open_camera(void)
{
        const struct camera_wish wish = {W, H, {30, 1}};
        struct camera *camera;
        char why[256] = "";

        if (camera_open("/dev/null", &wish, &camera, why, sizeof why) < 0) {
                assert_true(strlen(why) > 10);
                assert_int_equal(fake.mapped, 0);
                return;
        }
        s.camera = camera;
        s.quiet = 0;
        if (camera_start(camera) < 0 || camera_format(camera)->width != W || camera_format(camera)->height != H)
                close_camera();
}

static void look_at(const struct frame *frame, unsigned step)
{
        const uint32_t *memory = (const uint32_t *)(const void *)frame->data;
        uint64_t now = monotonic_now();

        assert_true(frame->time_ns >= s.time_ns && frame->time_ns <= now && now - frame->time_ns < 3000000000u);
        assert_true(!s.good || frame->sequence > s.sequence);
        s.time_ns = frame->time_ns;
        s.sequence = frame->sequence;
        if (lasting(step) && s.fault->fate == FAULT_SHOWN) {
                s.good++;
                return;
        }
        if (!s.fault->picture) {
                assert_true(memory[0] > s.seen && memory[0] <= s.exposed);
                assert_int_equal(memory[0], memory[SIZE / 4 - 1]);
                s.seen = memory[0];
        } else {
                assert_memory_equal(frame->data, good_pixels, SIZE);
        }
        s.good++;
}

static void run_daemon(unsigned step)
{
        struct frame frame;
        int r;

        if (!s.camera) {
                open_camera();
                return;
        }
        r = camera_next(s.camera, &frame);
        if (!r) {
                s.quiet = 0;
                look_at(&frame, step);
                r = camera_release(s.camera, &frame);
        } else if (r == -EAGAIN && ++s.quiet < STALL) {
                r = 0;
        }
        if (r)
                close_camera();
        else
                assert_true(fake_accounts() || s.fault->bend_buffer); /* a wrong index loses a buffer */
}

static void begin_fault(void)
{
        fake.fail_request = s.fault->request;
        fake.fail_errno = s.fault->error;
        fake.fail_times = s.fault->times;
        fake.fail_after = 0;
        if (s.fault->request == VIDIOC_QUERYBUF || s.fault->request == FAKE_MMAP)
                fake.fail_after = campaign_random(4); /* some are mapped already */
        fake.bend_request = s.fault->bend_request;
        fake.bend_format = s.fault->bend_format;
        fake.bend_buffer = s.fault->bend_buffer;
        if (s.fault->arm)
                s.fault->arm();
        if (s.fault->reopen && s.camera)
                close_camera();
}

static void end_fault(void)
{
        fake.fail_request = 0;
        fake.bend_request = NULL;
        fake.bend_format = NULL;
        fake.bend_buffer = NULL;
        fake.endless = false;
        fake.trouble = 0;
        fake.buffers_max = fake.length = 0;
}

static void begin_session(const struct fault *fault)
{
        fake_reset();
        fault_sequence = 0;
        s = (struct session){.fault = fault, .at = 2 + campaign_random(AT_MAX - 2)};
        fake.formats = fault->picture ? &mjpeg : &yuyv;
        fake.formats_n = 1;
        fake.event_type = V4L2_EVENT_SOURCE_CHANGE;
}

static void end_session(void)
{
        if (s.camera && s.fault->fate == FAULT_HARMLESS)
                assert_int_equal(camera_counters(s.camera)->corrupt, 0);
        if (s.camera)
                close_camera();
        assert_true(fake.strays == 0 || s.fault->bend_buffer);
        fake_reset();
}

static void session(const void *fault, struct campaign_score *score)
{
        begin_session(fault);
        for (unsigned step = 0; step < STEPS; step++) {
                unsigned before = s.good;

                if (step == s.at)
                        begin_fault();
                if (step > s.at && !lasting(step) && lasting(step - 1))
                        end_fault();
                if (campaign_random(8)) /* otherwise there is no frame in this step */
                        expose(step);
                run_daemon(step);
                s.again |= step > s.at && !lasting(step) && s.good > before;
                score->lost += step >= s.at && !s.again && s.good <= before;
        }
        score->injected += !s.fault->request || fake.failed;
        score->recovered += s.camera && s.good >= GOOD_MIN;
        end_session();
}

static void make_good_picture(void)
{
        struct jpeg *jpeg;

        good_picture = fault_picture(0);
        if (jpeg_new(W, H, &jpeg) || jpeg_decode(jpeg, good_picture.data, good_picture.size, good_pixels))
                abort();
        jpeg_free(jpeg);
}

int main(void)
{
        struct campaign_kind kinds[CAMPAIGN_KINDS_MAX];
        static char names[JPEG_FILE_BREAKS][32];
        static struct fault breaks[JPEG_FILE_BREAKS];
        unsigned n = 0;
        int r;

        make_good_picture();
        for (size_t i = 0; i < faults_n; i++)
                kinds[n++] = (struct campaign_kind){faults[i].name, session, &faults[i]};
        for (int i = 0; i < JPEG_FILE_BREAKS; i++) {
                snprintf(names[i], sizeof names[i], "MJPEG, broken in way %d", i);
                breaks[i] = (struct fault){.picture = fault_broken, .number = i, .lasts = 3};
                kinds[n++] = (struct campaign_kind){names[i], session, &breaks[i]};
        }
        r = campaign_run("v4l2/faults", kinds, n);
        free(good_picture.data);
        return r;
}
