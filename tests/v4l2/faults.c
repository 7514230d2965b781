#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "tests/cm.h"
#include "tests/v4l2/campaign.h"
#include "tests/v4l2/fake-node.h"
#include "tests/v4l2/faults.h"

uint32_t fault_sequence;

static void keep_one(void)
{
        fake_keep();
}

static void keep_all(void)
{
        while (fake_keep())
                ;
}

static void change_source(void)
{
        fake_tell(1);
}

static void poll_error(void)
{
        fake.trouble = POLLERR;
}

static void poll_hangup(void)
{
        fake.trouble = POLLERR | POLLHUP;
}

static void jump(void)
{
        fault_sequence += 1000;
}

static void jump_far(void)
{
        fault_sequence += 0x40000000;
}

static void jump_back(void)
{
        fault_sequence -= 5;
}

static void wrap(void)
{
        fault_sequence = 0u - 8; /* wraps soon */
}

static void lists(void)
{
        fake.endless = true;
}

static void one_buffer(void)
{
        fake.buffers_max = 1;
}

static void short_buffers(void)
{
        fake.length = 100;
}

static void grant_none(struct v4l2_requestbuffers *request)
{
        request->count = 0;
}
static void grant_more(struct v4l2_requestbuffers *request)
{
        request->count = 32;
}
static void grant_absurd(struct v4l2_requestbuffers *request)
{
        request->count = UINT32_MAX;
}

static void other_format(struct v4l2_pix_format *pix)
{
        pix->pixelformat = V4L2_PIX_FMT_YVYU;
}
static void other_size(struct v4l2_pix_format *pix)
{
        pix->width /= 2;
        pix->height /= 2;
        pix->bytesperline /= 2;
}
static void huge_size(struct v4l2_pix_format *pix)
{
        pix->width = pix->height = 0x7ffffffe;
}
static void no_size(struct v4l2_pix_format *pix)
{
        pix->width = pix->height = 0;
}

static void other_index(struct v4l2_buffer *buffer)
{
        buffer->index = (buffer->index + 1) % fake.count;
}
static void index_beyond(struct v4l2_buffer *buffer)
{
        buffer->index = fake.count;
}
static void index_absurd(struct v4l2_buffer *buffer)
{
        buffer->index = UINT32_MAX;
}
static void bytes_absurd(struct v4l2_buffer *buffer)
{
        buffer->bytesused = UINT32_MAX;
}
static void same_sequence(struct v4l2_buffer *buffer)
{
        buffer->sequence = 7;
}
static void time_none(struct v4l2_buffer *buffer)
{
        buffer->timestamp = (struct timeval){0};
}
static void time_back(struct v4l2_buffer *buffer)
{
        buffer->timestamp.tv_sec -= 1;
}
static void time_negative(struct v4l2_buffer *buffer)
{
        buffer->timestamp.tv_sec = -1;
}
static void time_ahead(struct v4l2_buffer *buffer)
{
        buffer->timestamp.tv_sec += 100;
}
static void time_wrap(struct v4l2_buffer *buffer)
{
        buffer->timestamp = (struct timeval){0x7fffffff, 999999};
}
static void time_absurd(struct v4l2_buffer *buffer)
{
        buffer->timestamp = (struct timeval){(time_t)(UINT64_MAX >> 1), -1};
}

struct jpeg_file fault_picture(int number)
{
        return jpeg_file_make(FAULT_WIDTH, FAULT_HEIGHT, TJSAMP_422, 0);
}

struct jpeg_file fault_broken(int number)
{
        struct jpeg_file file = fault_picture(0);

        jpeg_file_break(&file, number);
        return file;
}

static struct jpeg_file subsampled(int number)
{
        return jpeg_file_make(FAULT_WIDTH, FAULT_HEIGHT, number, 0);
}

static struct jpeg_file other_sized(int number)
{
        return jpeg_file_make(number, number, TJSAMP_422, 0);
}

static struct jpeg_file progressive(int number)
{
        return jpeg_file_make(FAULT_WIDTH, FAULT_HEIGHT, TJSAMP_422, TJFLAG_PROGRESSIVE);
}

static struct jpeg_file stripped(int number)
{
        struct jpeg_file file = fault_picture(0);

        jpeg_file_strip(&file);
        return file;
}

static struct jpeg_file long_interval(int number)
{
        struct jpeg_file file = fault_picture(0);

        jpeg_file_insert(&file, jpeg_file_find(&file, 0xda), "\xff\xdd\0\4\xff\xff", 6);
        return file;
}

static struct jpeg_file padded(int number)
{
        static const uint8_t zeros[512];
        struct jpeg_file file = fault_picture(0);

        jpeg_file_insert(&file, file.size, zeros, sizeof zeros);
        return file;
}

static struct jpeg_file cut(int number)
{
        struct jpeg_file file = fault_picture(0);

        file.size = campaign_random((unsigned)file.size);
        return file;
}

static struct jpeg_file flipped(int number)
{
        struct jpeg_file file = fault_picture(0);

        while (number--)
                file.data[campaign_random((unsigned)file.size)] ^= (uint8_t)(1u << campaign_random(8));
        return file;
}

static struct jpeg_file garbage(int number)
{
        struct jpeg_file file = fault_picture(0);

        for (size_t i = (size_t)number; i < file.size; i++)
                file.data[i] = (uint8_t)campaign_random(256);
        return file;
}

static struct jpeg_file inks(int number)
{
        static uint8_t pixels[FAULT_WIDTH * FAULT_HEIGHT * 4];
        tjhandle handle = tjInitCompress();
        struct jpeg_file file = {0};
        unsigned long size = 0;

        assert_int_equal(tjCompress2(handle, pixels, FAULT_WIDTH, 0, FAULT_HEIGHT, TJPF_CMYK, &file.data, &size,
                                     TJSAMP_422, 85, 0),
                         0);
        tjDestroy(handle);
        file.size = size;
        return file;
}

#define OPEN(what, call, r)                                                                                            \
        {                                                                                                              \
                .name = what, .request = call, .error = r, .lasts = 4, .reopen = true                                  \
        }
#define OPEN_ARM(what, how)                                                                                            \
        {                                                                                                              \
                .name = what, .arm = how, .lasts = 4, .reopen = true                                                   \
        }
#define GRANT(what, how)                                                                                               \
        {                                                                                                              \
                .name = what, .bend_request = how, .lasts = 4, .reopen = true                                          \
        }
#define FORMAT(what, how)                                                                                              \
        {                                                                                                              \
                .name = what, .bend_format = how, .lasts = 4, .reopen = true                                           \
        }
#define ONCE(what, call, r)                                                                                            \
        {                                                                                                              \
                .name = what, .request = call, .error = r, .times = 1, .lasts = 6                                      \
        }
#define CLOSE(what, call, r)                                                                                           \
        {                                                                                                              \
                .name = what, .request = call, .error = r, .times = 1, .reopen = true                                  \
        }
#define ARM(what, how)                                                                                                 \
        {                                                                                                              \
                .name = what, .arm = how, .lasts = 4                                                                   \
        }
#define BUFFER(what, how)                                                                                              \
        {                                                                                                              \
                .name = what, .bend_buffer = how, .lasts = 4                                                           \
        }
#define PICTURE(what, make, n, how)                                                                                    \
        {                                                                                                              \
                .name = "MJPEG, " what, .picture = make, .number = n, .fate = how, .lasts = 3                          \
        }

const struct fault faults[] = {
        ONCE("DQBUF EIO, once", VIDIOC_DQBUF, EIO),
        {.name = "DQBUF EIO, for a while", .request = VIDIOC_DQBUF, .error = EIO, .lasts = 8},
        ONCE("DQBUF ENODEV", VIDIOC_DQBUF, ENODEV),
        ONCE("DQBUF ENXIO", VIDIOC_DQBUF, ENXIO),
        ONCE("DQBUF EINVAL", VIDIOC_DQBUF, EINVAL),
        ONCE("DQBUF ENOTTY", VIDIOC_DQBUF, ENOTTY),
        ONCE("DQBUF EPIPE", VIDIOC_DQBUF, EPIPE),
        {.name = "DQBUF EAGAIN, for long", .request = VIDIOC_DQBUF, .error = EAGAIN, .lasts = 10},
        OPEN("unplugged, away for a while", VIDIOC_QUERYCAP, ENODEV),
        {.name = "error flag", .flags = V4L2_BUF_FLAG_ERROR, .lasts = 6},
        {.name = "short frames", .bytes = FAULT_WIDTH * FAULT_HEIGHT * 2 - 1, .lasts = 6},
        {.name = "empty frames", .bytes = -1, .lasts = 6},
        {.name = "frames longer than their buffers", .bytes = FAULT_WIDTH * FAULT_HEIGHT * 2 + 1, .lasts = 6},
        BUFFER("bytesused 4294967295", bytes_absurd),
        {.name = "DQBUF gives another buffer's index", .bend_buffer = other_index, .lasts = 4, .fate = FAULT_SHOWN},
        BUFFER("index one too large", index_beyond),
        BUFFER("index 4294967295", index_absurd),
        ARM("a buffer never comes back", keep_one),
        ARM("no buffer ever comes back", keep_all),
        ARM("sequence jumps by 1000", jump),
        ARM("sequence jumps by 2^30", jump_far),
        ARM("sequence goes back", jump_back),
        ARM("sequence wraps", wrap),
        BUFFER("sequence stands still", same_sequence),
        BUFFER("timestamp zero", time_none),
        BUFFER("timestamp goes back", time_back),
        BUFFER("timestamp negative", time_negative),
        BUFFER("timestamp in the future", time_ahead),
        BUFFER("timestamp at the end of 32 bits", time_wrap),
        BUFFER("timestamp beyond 64 bits of ns", time_absurd),
        ARM("source change", change_source),
        ARM("poll() says POLLERR", poll_error),
        ARM("poll() says POLLHUP", poll_hangup),
        OPEN("STREAMON EIO", VIDIOC_STREAMON, EIO),
        OPEN("STREAMON ENOSPC", VIDIOC_STREAMON, ENOSPC),
        OPEN("STREAMON EBUSY", VIDIOC_STREAMON, EBUSY),
        OPEN("STREAMON EPIPE", VIDIOC_STREAMON, EPIPE),
        OPEN("STREAMON ENODEV", VIDIOC_STREAMON, ENODEV),
        OPEN("STREAMOFF EIO", VIDIOC_STREAMOFF, EIO),
        OPEN("REQBUFS EBUSY", VIDIOC_REQBUFS, EBUSY),
        OPEN("REQBUFS ENOMEM", VIDIOC_REQBUFS, ENOMEM),
        OPEN("REQBUFS EINVAL", VIDIOC_REQBUFS, EINVAL),
        CLOSE("REQBUFS EBUSY, when it is closed", VIDIOC_REQBUFS, EBUSY),
        CLOSE("REQBUFS ENODEV, when it is closed", VIDIOC_REQBUFS, ENODEV),
        GRANT("REQBUFS grants no buffers", grant_none),
        OPEN_ARM("REQBUFS grants one buffer", one_buffer),
        GRANT("REQBUFS grants 32 buffers", grant_more),
        GRANT("REQBUFS grants 4294967295 buffers", grant_absurd),
        OPEN("QUERYBUF EINVAL", VIDIOC_QUERYBUF, EINVAL),
        OPEN("QUERYBUF ENODEV", VIDIOC_QUERYBUF, ENODEV),
        OPEN_ARM("buffers shorter than a frame", short_buffers),
        OPEN("mmap() ENOMEM", FAKE_MMAP, ENOMEM),
        OPEN("mmap() ENODEV", FAKE_MMAP, ENODEV),
        ONCE("QBUF EIO", VIDIOC_QBUF, EIO),
        ONCE("QBUF EINVAL", VIDIOC_QBUF, EINVAL),
        ONCE("QBUF ENODEV", VIDIOC_QBUF, ENODEV),
        OPEN("QBUF EIO, at the start", VIDIOC_QBUF, EIO),
        OPEN("S_FMT EBUSY", VIDIOC_S_FMT, EBUSY),
        OPEN("S_FMT EIO", VIDIOC_S_FMT, EIO),
        OPEN("S_FMT ENODEV", VIDIOC_S_FMT, ENODEV),
        FORMAT("S_FMT gives another format", other_format),
        FORMAT("S_FMT gives another size", other_size),
        FORMAT("S_FMT gives 2147483646x2147483646", huge_size),
        FORMAT("S_FMT gives 0x0", no_size),
        OPEN_ARM("lists without an end", lists),
        OPEN("ENUM_FMT EIO", VIDIOC_ENUM_FMT, EIO),
        OPEN("ENUM_FRAMESIZES EIO", VIDIOC_ENUM_FRAMESIZES, EIO),
        OPEN("ENUM_FRAMEINTERVALS EIO", VIDIOC_ENUM_FRAMEINTERVALS, EIO),
        OPEN("G_PARM ENOTTY", VIDIOC_G_PARM, ENOTTY),
        OPEN("SUBSCRIBE_EVENT ENOTTY", VIDIOC_SUBSCRIBE_EVENT, ENOTTY),
        OPEN("DQEVENT ENODEV", VIDIOC_DQEVENT, ENODEV),
        PICTURE("no Huffman tables", stripped, 0, FAULT_HARMLESS),
        PICTURE("padding after the end", padded, 0, FAULT_HARMLESS),
        PICTURE("restart interval 65535", long_interval, 0, FAULT_HARMLESS),
        PICTURE("grey", subsampled, TJSAMP_GRAY, FAULT_SHOWN),
        PICTURE("4:1:1", subsampled, TJSAMP_411, FAULT_SHOWN),
        PICTURE("4:2:0", subsampled, TJSAMP_420, FAULT_SHOWN),
        PICTURE("4:4:4", subsampled, TJSAMP_444, FAULT_SHOWN),
        PICTURE("progressive", progressive, 0, FAULT_HARMLESS),
        PICTURE("CMYK", inks, 0, FAULT_REFUSED),
        PICTURE("32x32", other_sized, 32, FAULT_REFUSED),
        PICTURE("2x2", other_sized, 2, FAULT_REFUSED),
        PICTURE("cut anywhere", cut, 0, FAULT_REFUSED),
        PICTURE("garbage", garbage, 0, FAULT_REFUSED),
        PICTURE("garbage after the first marker", garbage, 2, FAULT_REFUSED),
        PICTURE("a flipped bit", flipped, 1, FAULT_SHOWN),
        PICTURE("20 flipped bits", flipped, 20, FAULT_SHOWN),
};
const size_t faults_n = sizeof faults / sizeof faults[0];
