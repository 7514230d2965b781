#include <errno.h>
#include <string.h>

#include "v4l2/frame-timer.h"
#include "v4l2/names.h"
#include "v4l2/sink-kind.h"
#include "v4l2/sink.h"
#include "v4l2/why.h"

static const struct {
        struct sink_kind kind;
        int (*open)(const char *name, const struct frame_format *format, struct frame_rate rate, struct sink **ret,
                    char *why, size_t why_size);
} kinds[] = {
        [NAME_NODE] = {{.reopens = true, .steady = true, .placeholders = true}, loopback_open},
        [NAME_Y4M] = {{0}, y4m_sink_open},
        [NAME_PNG] = {{0}, png_sink_open},
};

struct sink_kind sink_kind(const char *spec)
{
        return kinds[name_of_output(spec, NULL)].kind;
}

int sink_open(const char *spec, const struct frame_format *format, struct frame_rate rate, struct sink **ret, char *why,
              size_t why_size)
{
        enum name_kind kind;
        const char *rest;

        if (!frame_rate_sane(rate))
                rate = (struct frame_rate){30, 1};
        if (!spec || !*spec)
                return why_say(why, why_size, -EINVAL, "no output given; use /dev/videoN, y4m:FILE or png:PATTERN");
        kind = name_of_output(spec, &rest);
        if (kind != NAME_NODE && !*rest)
                return why_say(why, why_size, -EINVAL, "no file name after \"%s\"; write %sFILE", spec, spec);
        if (kind == NAME_NODE && !strchr(spec, '/'))
                return why_say(why, why_size, -EINVAL,
                               "\"%s\" is not an output; use /dev/videoN, y4m:FILE or png:PATTERN", spec);
        return kinds[kind].open(rest, format, rate, ret, why, why_size);
}

void sink_close(struct sink *sink)
{
        if (sink)
                sink->ops->close(sink);
}

const struct frame_format *sink_format(const struct sink *sink)
{
        return &sink->format;
}

int sink_fd(const struct sink *sink)
{
        return sink->ops->fd ? sink->ops->fd(sink) : -1;
}

int sink_dispatch(struct sink *sink)
{
        return sink->ops->dispatch ? sink->ops->dispatch(sink) : 0;
}

int sink_flush(struct sink *sink)
{
        return sink->ops->flush ? sink->ops->flush(sink) : 0;
}

int sink_readers(const struct sink *sink)
{
        return sink->ops->readers ? sink->ops->readers(sink) : 1;
}

int sink_show(struct sink *sink, const uint8_t *frame, uint64_t time_ns)
{
        return sink->ops->show(sink, frame, time_ns);
}

/* The sizes of libwebrtc (device_info_v4l2); Firefox lists no others.  Chromium accepts any with an even width. */
bool sink_size_accepted(uint32_t width, uint32_t height)
{
        static const uint16_t sizes[][2] = {{128, 96},   {160, 120},   {176, 144},  {320, 240}, {352, 288},
                                            {640, 480},  {704, 576},   {800, 600},  {960, 720}, {1280, 720},
                                            {1024, 768}, {1440, 1080}, {1920, 1080}};

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
                if (sizes[i][0] == width && sizes[i][1] == height)
                        return true;
        return false;
}
