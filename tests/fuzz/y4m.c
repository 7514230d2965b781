/* YUV4MPEG2 files: the two parsers, and a file played as a camera.  The linker puts __wrap_frame_timer_take() in place
 * of the timer, so that frames are due without waiting. */
#include <errno.h>

#include "tests/fuzz/fuzz.h"
#include "v4l2/camera.h"
#include "v4l2/files/y4m.h"
#include "v4l2/frame-timer.h"

#define FRAME_MAX (1u << 20) /* larger frames only take memory and time */

uint64_t __wrap_frame_timer_take(int fd);

/* None yet; one after the other; some missed; more missed than the camera steps over. */
static const uint64_t due[] = {0, 1, 1, 3, 1, 1000, 1, 1};
#define TURNS (sizeof due / sizeof due[0])

static size_t turn;

uint64_t __wrap_frame_timer_take(int fd)
{
        (void)fd;
        return due[turn % TURNS];
}

/* Returns the size of a frame; 0: it is unknown. */
static uint32_t parse(const uint8_t *data, size_t size)
{
        struct y4m_header header, again;
        const char *reason = NULL;
        char text[256];
        size_t length;

        if (y4m_parse_frame(data, size, &length) == 0)
                MUST(length >= 6 && length <= size && length <= Y4M_HEADER_MAX);
        if (y4m_parse(data, size, &header, &reason) < 0) {
                line_check(reason);
                return 0;
        }
        MUST(header.length <= size && header.length <= Y4M_HEADER_MAX && frame_rate_sane(header.rate));

        length = y4m_print(&header.format, header.rate, text, sizeof text);
        MUST(length > 0);
        MUST(y4m_parse((const uint8_t *)text, length, &again, &reason) == 0 && again.length == length);
        MUST(again.format.fourcc == header.format.fourcc && again.format.full_range == header.format.full_range);
        MUST(again.format.width == header.format.width && again.format.height == header.format.height);
        MUST(again.format.size == header.format.size);
        MUST(again.rate.numerator == header.rate.numerator && again.rate.denominator == header.rate.denominator);
        return header.format.size;
}

static void play(const char *path, size_t file_size, const char *how)
{
        struct camera *camera;
        char spec[64], why[256] = "";
        int r;

        snprintf(spec, sizeof spec, "y4m:%s%s", path, how);
        r = camera_open(spec, NULL, &camera, why, sizeof why);
        MUST(r == 0 || r == -EBADMSG);
        if (r < 0) {
                line_check(why);
                return;
        }
        MUST(camera_format(camera)->size < file_size && camera_start(camera) == 0);
        for (turn = 0; turn < 2 * TURNS && r != -ENODEV; turn++) {
                struct frame frame;

                r = camera_next(camera, &frame);
                MUST(r == 0 || r == -EAGAIN || r == -ENODEV);
                if (r < 0)
                        continue;
                bytes_sum(frame.data, camera_format(camera)->size);
                MUST(camera_release(camera, &frame) == 0);
        }
        camera_close(camera);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *path = memory_file(data, size, size);

        if (parse(data, size) > FRAME_MAX)
                return 0;
        play(path, size, "");
        play(path, size, "?once");
        return 0;
}
