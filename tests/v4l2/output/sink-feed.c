/* sink-feed SPEC FORMAT WIDTHxHEIGHT RATE SECONDS: feeds a sink, for tests in the guest.  All bytes of frame n are
 * 32 + n % 192.  Prints the number of readers whenever it changes. */
#include <errno.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "v4l2/frame-timer.h"
#include "v4l2/sink.h"

static void say_readers(struct sink *sink)
{
        static int said = INT_MAX;
        int readers;

        sink_dispatch(sink);
        readers = sink_readers(sink);
        if (readers != said)
                fprintf(stderr, "readers=%d\n", readers);
        said = readers;
}

static void wait_until(struct sink *sink, uint64_t time_ns)
{
        struct pollfd fd = {.fd = sink_fd(sink), .events = POLLIN};

        for (uint64_t now = monotonic_now(); now < time_ns; now = monotonic_now())
                if (poll(&fd, 1, (int)((time_ns - now) / 1000000) + 1) > 0)
                        say_readers(sink);
}

int main(int argc, char **argv)
{
        struct frame_format wish = {0};
        const struct frame_format *format;
        unsigned rate, frames, shown = 0, dropped = 0;
        uint64_t start = monotonic_now();
        struct sink *sink;
        uint8_t *frame;
        char why[256];
        int r = 0;

        if (argc < 6 || strlen(argv[2]) != 4 || sscanf(argv[3], "%ux%u", &wish.width, &wish.height) != 2)
                return 2;
        wish.fourcc =
                v4l2_fourcc((uint32_t)argv[2][0], (uint32_t)argv[2][1], (uint32_t)argv[2][2], (uint32_t)argv[2][3]);
        rate = (unsigned)atoi(argv[4]);
        frames = rate * (unsigned)atoi(argv[5]);
        r = sink_open(argv[1], &wish, (struct frame_rate){rate, 1}, &sink, why, sizeof why);
        if (r < 0) {
                fprintf(stderr, "error=%d why=\"%s\"\n", r, why);
                return 1;
        }
        format = sink_format(sink);
        fprintf(stderr, "format=%s size=%ux%u stride=%u bytes=%u matrix=%d full=%d\n",
                frame_fourcc_name(format->fourcc), format->width, format->height, format->stride, format->size,
                format->matrix, format->full_range);
        say_readers(sink);
        frame = malloc(format->size);
        for (unsigned n = 0; n < frames && (!r || r == -EAGAIN); n++) {
                memset(frame, (int)(32 + n % 192), format->size);
                r = sink_show(sink, frame, monotonic_now());
                shown += !r;
                dropped += r == -EAGAIN;
                wait_until(sink, start + (n + 1) * 1000000000ull / rate);
        }
        fprintf(stderr, "error=%d shown=%u dropped=%u\n", r, shown, dropped);
        free(frame);
        sink_close(sink);
        return r < 0;
}
