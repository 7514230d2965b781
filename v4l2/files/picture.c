#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "v4l2/files/orientation.h"
#include "v4l2/files/picture.h"
#include "v4l2/jpeg.h"
#include "v4l2/why.h"

#define SIDE_MAX 16384
#define FILE_MAX (256l << 20)
#define PNG_MAGIC "\x89PNG\r\n\x1a\n"

struct bytes {
        uint8_t *data;
        size_t size, at;
};

static int say_file(const char *path, int error, char *why, size_t why_size)
{
        const char *text = error == EACCES   ? "permission denied; let the user read it (chmod, chown)"
                           : error == ENOENT ? "no such file; check the name"
                           : error == EISDIR ? "is a folder; name a PNG or JPEG file"
                                             : strerror(error);

        return why_say(why, why_size, -error, "%s: %s", path, text);
}

static int check_file(const struct stat *st, const char *path, char *why, size_t why_size)
{
        if (S_ISDIR(st->st_mode))
                return say_file(path, EISDIR, why, why_size);
        if (!S_ISREG(st->st_mode) || !st->st_size)
                return why_say(why, why_size, -EBADMSG, "%s: empty, or not a file; name a PNG or JPEG file", path);
        if (st->st_size > FILE_MAX)
                return why_say(why, why_size, -E2BIG, "%s: larger than 256 MiB; make the picture smaller", path);
        return 0;
}

/* Reads at most `most` bytes from the beginning of a file. */
static int read_begin(int fd, size_t most, const char *path, struct bytes *ret, char *why, size_t why_size)
{
        struct stat st;
        size_t got = 0;
        uint8_t *data;
        int r;

        if (fstat(fd, &st) < 0)
                return say_file(path, errno, why, why_size);
        r = check_file(&st, path, why, why_size);
        if (r < 0)
                return r;
        if (st.st_size > (off_t)most)
                st.st_size = (off_t)most;
        data = malloc((size_t)st.st_size);
        if (!data)
                return why_say(why, why_size, -ENOMEM, "%s: out of memory; make the picture smaller", path);
        while (got < (size_t)st.st_size) {
                ssize_t n = read(fd, data + got, (size_t)st.st_size - got);

                if (n < 0) {
                        r = errno;
                        free(data);
                        return say_file(path, r, why, why_size);
                }
                if (!n)
                        break; /* it was truncated meanwhile: the decoder will notice */
                got += (size_t)n;
        }
        *ret = (struct bytes){.data = data, .size = got};
        return 0;
}

static void png_fail(png_structp png, png_const_charp text)
{
        (void)text;
        png_longjmp(png, 1);
}

static void png_quiet(png_structp png, png_const_charp text)
{
        (void)png;
        (void)text;
}

static void png_take(png_structp png, png_bytep to, size_t size)
{
        struct bytes *file = png_get_io_ptr(png);

        if (size > file->size - file->at)
                png_error(png, "short");
        memcpy(to, file->data + file->at, size);
        file->at += size;
}

/* In a struct of its own, because variables that change between setjmp() and longjmp() must not be in registers. */
struct png_job {
        png_structp png;
        png_infop info;
        bool indexed; /* the samples of a paletted or grey file rather than their colours */
        uint32_t width, height;
        uint8_t *pixels;
        png_bytepp rows;
        int r;
};

/* These set the format of the rows, and return the bytes per pixel; 0: not for a file like this. */
static unsigned png_as_rgba(png_structp png)
{
        png_set_expand(png);
        png_set_scale_16(png);
        png_set_gray_to_rgb(png);
        png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
        return 4;
}

static unsigned png_as_index(png_structp png, png_infop info)
{
        int type = png_get_color_type(png, info);

        if (type != PNG_COLOR_TYPE_PALETTE && (type != PNG_COLOR_TYPE_GRAY || png_get_bit_depth(png, info) != 8))
                return 0;
        png_set_packing(png);
        return 1;
}

static void png_run(struct png_job *job, struct bytes *file)
{
        png_structp png = job->png;
        png_infop info = job->info;
        size_t stride;

        if (setjmp(png_jmpbuf(png)))
                return;
        /* We check for larger ones ourselves, to return -E2BIG. */
        png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
        /* Skip everything but pixels.  libpng would allocate as much as a text chunk claims to have, up to 2 GiB. */
        png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
        png_set_read_fn(png, file, png_take);
        png_read_info(png, info);
        job->width = png_get_image_width(png, info);
        job->height = png_get_image_height(png, info);
        if (job->width > SIDE_MAX || job->height > SIDE_MAX) {
                job->r = -E2BIG;
                return;
        }
        stride = (size_t)job->width * (job->indexed ? png_as_index(png, info) : png_as_rgba(png));
        png_set_interlace_handling(png);
        png_read_update_info(png, info);
        if (png_get_rowbytes(png, info) != stride)
                return;

        job->pixels = malloc(stride * job->height);
        job->rows = malloc(job->height * sizeof *job->rows);
        if (!job->pixels || !job->rows) {
                job->r = -ENOMEM;
                return;
        }
        for (uint32_t y = 0; y < job->height; y++)
                job->rows[y] = job->pixels + y * stride;
        png_read_image(png, job->rows);
        png_read_end(png, NULL);
        job->r = 0;
}

/* On success the caller must free job->pixels. */
static int png_decode(struct png_job *job, struct bytes *file)
{
        job->r = -EBADMSG;
        job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, png_fail, png_quiet);
        if (!job->png)
                return -ENOMEM;
        job->info = png_create_info_struct(job->png);
        if (job->info)
                png_run(job, file);
        else
                job->r = -ENOMEM;
        png_destroy_read_struct(&job->png, &job->info, NULL);
        free(job->rows);
        if (job->r < 0)
                free(job->pixels);
        return job->r;
}

static int decode_png(struct bytes *file, struct picture *ret)
{
        struct png_job job = {.indexed = false};
        int r = png_decode(&job, file);

        if (!r)
                *ret = (struct picture){job.width, job.height, job.pixels};
        return r;
}

static int decode_jpeg_with(tjhandle handle, const struct bytes *file, struct picture *ret)
{
        int width = 0, height = 0, subsampling, colour; /* a file with only tables succeeds and sets none */
        uint8_t *rgba;

        if (tjDecompressHeader3(handle, file->data, file->size, &width, &height, &subsampling, &colour))
                return -EBADMSG;
        if (width <= 0 || height <= 0)
                return -EBADMSG;
        if (width > SIDE_MAX || height > SIDE_MAX)
                return -E2BIG;
        rgba = malloc((size_t)width * (size_t)height * 4);
        if (!rgba)
                return -ENOMEM;
        if (tjDecompress2(handle, file->data, file->size, rgba, width, 0, height, TJPF_RGBA, TJFLAG_LIMITSCANS) &&
            !jpeg_complaint_is_harmless(handle)) {
                free(rgba);
                return -EBADMSG;
        }
        *ret = (struct picture){(uint32_t)width, (uint32_t)height, rgba};
        return 0;
}

static int decode_jpeg(struct bytes *file, struct picture *ret)
{
        tjhandle handle = tjInitDecompress();
        struct picture picture;
        int r;

        if (!handle)
                return -ENOMEM;
        r = decode_jpeg_with(handle, file, &picture);
        tjDestroy(handle);
        if (r < 0)
                return r;
        r = orientation_apply(orientation_find(file->data, file->size), &picture);
        if (r < 0)
                picture_free(&picture);
        else
                *ret = picture;
        return r;
}

static const struct {
        const char *magic;
        size_t size;
        int (*decode)(struct bytes *file, struct picture *ret);
} decoders[] = {
        {PNG_MAGIC, sizeof PNG_MAGIC - 1, decode_png},
        {"\xff\xd8\xff", 3, decode_jpeg},
};

static bool begins_with(const struct bytes *file, const char *magic, size_t size)
{
        return file->size >= size && !memcmp(file->data, magic, size); /* NOLINT: the file has been read */
}

/* `damaged`: what to do about a file that could not be decoded. */
static int say_decoded(const char *path, int r, const char *damaged, char *why, size_t why_size)
{
        if (r == -EBADMSG)
                return why_say(why, why_size, r, "%s: %s", path, damaged);
        if (r == -E2BIG)
                return why_say(why, why_size, r, "%s: larger than %d x %d; make it smaller", path, SIDE_MAX, SIDE_MAX);
        if (r < 0)
                return why_say(why, why_size, r, "%s: out of memory; make the picture smaller", path);
        return 0;
}

static bool find_decoder(const struct bytes *file, size_t *ret)
{
        for (*ret = 0; *ret < sizeof decoders / sizeof decoders[0]; ++*ret)
                if (begins_with(file, decoders[*ret].magic, decoders[*ret].size))
                        return true;
        return false;
}

static int say_kind(const char *path, char *why, size_t why_size)
{
        return why_say(why, why_size, -EBADMSG, "%s: neither PNG nor JPEG; convert it", path);
}

static int decode(struct bytes *file, const char *path, struct picture *ret, char *why, size_t why_size)
{
        size_t i;

        if (!find_decoder(file, &i))
                return say_kind(path, why, why_size);
        return say_decoded(path, decoders[i].decode(file, ret), "damaged or unsupported; save it again as RGB", why,
                           why_size);
}

static int decode_indexed(struct bytes *file, const char *path, struct picture_indexed *ret, char *why, size_t why_size)
{
        struct png_job job = {.indexed = true};
        int r;

        if (!begins_with(file, PNG_MAGIC, sizeof PNG_MAGIC - 1))
                return why_say(why, why_size, -EBADMSG, "%s: not a PNG; convert it losslessly", path);
        r = png_decode(&job, file);
        if (!r)
                *ret = (struct picture_indexed){job.width, job.height, job.pixels};
        return say_decoded(path, r, "damaged, or neither paletted nor 8-bit grey; save it again", why, why_size);
}

static int open_and_read(const char *path, size_t most, struct bytes *ret, char *why, size_t why_size)
{
        int fd, r;

        /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return say_file(path, errno, why, why_size);
        r = read_begin(fd, most, path, ret, why, why_size);
        close(fd);
        return r;
}

int picture_read(const char *path, struct picture *ret, char *why, size_t why_size)
{
        struct bytes file;
        int r = open_and_read(path, FILE_MAX, &file, why, why_size);

        if (r < 0)
                return r;
        r = decode(&file, path, ret, why, why_size);
        free(file.data);
        return r;
}

int picture_look(const char *path, char *why, size_t why_size)
{
        struct bytes file;
        size_t i;
        int r = open_and_read(path, sizeof PNG_MAGIC - 1, &file, why, why_size);

        if (r < 0)
                return r;
        r = find_decoder(&file, &i) ? 0 : say_kind(path, why, why_size);
        free(file.data);
        return r;
}

int picture_read_png_indexed(const char *path, struct picture_indexed *ret, char *why, size_t why_size)
{
        struct bytes file;
        int r = open_and_read(path, FILE_MAX, &file, why, why_size);

        if (r < 0)
                return r;
        r = decode_indexed(&file, path, ret, why, why_size);
        free(file.data);
        return r;
}

void picture_free(struct picture *picture)
{
        free(picture->rgba);
        *picture = (struct picture){0};
}
