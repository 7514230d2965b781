#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

#include "v4l2/files/y4m.h"
#include "v4l2/frame-timer.h"

/* Chroma siting ("jpeg", "mpeg2", "paldv") moves chroma by half a pixel, which is ignored. */
static const struct {
        const char *name;
        uint32_t fourcc;
} colours[] = {
        {"420jpeg", V4L2_PIX_FMT_YUV420}, {"420mpeg2", V4L2_PIX_FMT_YUV420}, {"420paldv", V4L2_PIX_FMT_YUV420},
        {"420", V4L2_PIX_FMT_YUV420},     {"422", V4L2_PIX_FMT_YUV422P},     {"mono", V4L2_PIX_FMT_GREY},
};

struct word {
        const char *text; /* after its letter */
        size_t length;
};

/* Digits only, at most 9, without a sign. */
static bool number(const char **text, const char *end, uint32_t *ret)
{
        const char *p = *text;
        uint32_t value = 0;

        for (; p < end && *p >= '0' && *p <= '9'; p++) {
                if (p - *text >= 9)
                        return false;
                value = value * 10 + (uint32_t)(*p - '0');
        }
        if (p == *text)
                return false;
        *text = p;
        *ret = value;
        return true;
}

static const char *take_size(struct word word, uint32_t *ret)
{
        const char *p = word.text, *end = p + word.length;

        if (*ret)
                return "the size is given twice";
        return number(&p, end, ret) && p == end && *ret ? NULL : "the size is not a number";
}

static const char *take_width(struct word word, struct y4m_header *header)
{
        return take_size(word, &header->format.width);
}

static const char *take_height(struct word word, struct y4m_header *header)
{
        return take_size(word, &header->format.height);
}

static bool ratio(struct word word, uint32_t *ret_num, uint32_t *ret_den)
{
        const char *p = word.text, *end = p + word.length;

        return number(&p, end, ret_num) && p < end && *p++ == ':' && number(&p, end, ret_den) && p == end;
}

static const char *take_rate(struct word word, struct y4m_header *header)
{
        struct frame_rate rate;

        if (!ratio(word, &rate.numerator, &rate.denominator))
                return "the frame rate is not a ratio";
        if (!rate.numerator && !rate.denominator)
                return NULL; /* "unknown" */
        if (!frame_rate_sane(rate))
                return "the frame rate is out of range";
        header->rate = rate;
        return NULL;
}

static const char *take_aspect(struct word word, struct y4m_header *header)
{
        uint32_t num, den;

        (void)header;
        return ratio(word, &num, &den) ? NULL : "the pixel aspect is not a ratio";
}

static const char *take_interlace(struct word word, struct y4m_header *header)
{
        (void)header;
        return word.length == 1 && strchr("?ptb", word.text[0]) ? NULL : "the interlacing is not supported";
}

static const char *take_colour(struct word word, struct y4m_header *header)
{
        for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++)
                if (strlen(colours[i].name) == word.length && !memcmp(colours[i].name, word.text, word.length)) {
                        header->format.fourcc = colours[i].fourcc;
                        return NULL;
                }
        return "its pixel format is not supported";
}

static const char *take_extension(struct word word, struct y4m_header *header)
{
        static const char full[] = "COLORRANGE=FULL";

        if (word.length == sizeof full - 1 && !memcmp(word.text, full, word.length))
                header->format.full_range = true;
        return NULL;
}

static const struct {
        char letter;
        const char *(*take)(struct word word, struct y4m_header *header);
} words[] = {
        {'W', take_width},     {'H', take_height}, {'F', take_rate},      {'A', take_aspect},
        {'I', take_interlace}, {'C', take_colour}, {'X', take_extension},
};

static const char *take_word(const char *text, size_t length, struct y4m_header *header)
{
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
                if (words[i].letter == *text)
                        return words[i].take((struct word){text + 1, length - 1}, header);
        return "its header has an unknown word";
}

/* Also refuses NULs, so that the header is a string. */
static const char *line_end(const char *text, size_t size)
{
        const char *end = memchr(text, '\n', size);

        return end && !memchr(text, '\0', (size_t)(end - text)) ? end : NULL;
}

static const char *parse(const char *text, size_t size, struct y4m_header *header)
{
        static const char magic[] = "YUV4MPEG2";
        const char *end, *reason;

        if (size < sizeof magic || memcmp(text, magic, sizeof magic - 1) != 0 || !strchr(" \n", text[sizeof magic - 1]))
                return "it does not begin with YUV4MPEG2";
        end = line_end(text, size < Y4M_HEADER_MAX ? size : Y4M_HEADER_MAX);
        if (!end)
                return "its header has no end";

        for (const char *p = text + sizeof magic - 1; p < end;) {
                const char *stop = ++p;

                while (stop < end && *stop != ' ')
                        stop++;
                reason = stop > p ? take_word(p, (size_t)(stop - p), header) : NULL;
                if (reason)
                        return reason;
                p = stop;
        }
        header->length = (size_t)(end - text) + 1;
        if (!header->format.width || !header->format.height)
                return "its header gives no size";
        return frame_format_pack(&header->format) < 0 ? "its size is odd, or too large" : NULL;
}

int y4m_parse(const uint8_t *data, size_t size, struct y4m_header *ret, const char **ret_reason)
{
        struct y4m_header header = {.format = {.fourcc = V4L2_PIX_FMT_YUV420, .matrix = FRAME_BT601}, .rate = {30, 1}};
        const char *reason = parse((const char *)data, size, &header);

        if (reason) {
                *ret_reason = reason;
                return -EBADMSG;
        }
        *ret = header;
        return 0;
}

int y4m_parse_frame(const uint8_t *data, size_t size, size_t *ret_length)
{
        const char *text = (const char *)data, *end;

        if (size < 6 || memcmp(text, "FRAME", 5) != 0 || (text[5] != '\n' && text[5] != ' '))
                return -EBADMSG;
        end = line_end(text, size < Y4M_HEADER_MAX ? size : Y4M_HEADER_MAX);
        if (!end)
                return -EBADMSG;
        *ret_length = (size_t)(end - text) + 1;
        return 0;
}

size_t y4m_print(const struct frame_format *format, struct frame_rate rate, char *text, size_t size)
{
        for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++) {
                int n;

                if (colours[i].fourcc != format->fourcc)
                        continue;
                n = snprintf(text, size, "YUV4MPEG2 W%u H%u F%u:%u Ip A1:1 C%s XCOLORRANGE=%s\n", format->width,
                             format->height, rate.numerator, rate.denominator, colours[i].name,
                             format->full_range ? "FULL" : "LIMITED");
                return n > 0 && (size_t)n < size ? (size_t)n : 0;
        }
        return 0;
}
