#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "v4l2/files/picture.h"

#define SIDE_MAX 16384
#define TRIES 100 /* a crash may have left some of these names behind */

struct plan {
        uint32_t width, height;
        int color_type;
        const uint8_t *pixels;
        size_t stride;
        bool drop_alpha;
        const uint8_t *palette;
        unsigned colors;
};

static void fail(png_structp png, png_const_charp text)
{
        (void)text;
        png_longjmp(png, 1);
}

static void quiet(png_structp png, png_const_charp text)
{
        (void)png;
        (void)text;
}

/* 0, or -EIO: the file could not be written, or libpng ran out of memory. */
static int encode(png_structp png, png_infop info, FILE *file, const struct plan *plan)
{
        png_color palette[256];

        if (setjmp(png_jmpbuf(png)))
                return -EIO;
        png_init_io(png, file);
        png_set_compression_level(png, 3); /* a third of the time for a few per cent of size */
        png_set_IHDR(png, info, plan->width, plan->height, 8, plan->color_type, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        for (unsigned i = 0; i < plan->colors; i++)
                palette[i] = (png_color){plan->palette[3 * i], plan->palette[3 * i + 1], plan->palette[3 * i + 2]};
        if (plan->colors)
                png_set_PLTE(png, info, palette, (int)plan->colors);
        png_write_info(png, info);
        if (plan->drop_alpha)
                png_set_filler(png, 0, PNG_FILLER_AFTER);
        for (uint32_t y = 0; y < plan->height; y++)
                png_write_row(png, plan->pixels + y * plan->stride);
        png_write_end(png, info);
        return 0;
}

static int write_to(FILE *file, const struct plan *plan)
{
        png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, fail, quiet);
        png_infop info = png ? png_create_info_struct(png) : NULL;
        int r = -ENOMEM;

        errno = 0;
        if (info)
                r = encode(png, info, file, plan);
        if (r == -EIO && errno)
                r = -errno;
        png_destroy_write_struct(&png, &info);
        return r;
}

static int finish(FILE *file, int r)
{
        if (!r && fflush(file))
                r = -errno;
        fclose(file);
        return r;
}

/* Not mkostemp(), whose files are accessible to their owner only; the umask cannot be read without changing it for all
 * threads. */
static int create_beside(const char *path, char temporary[PATH_MAX])
{
        int fd = -1;

        for (int i = 0; fd < 0 && i < TRIES; i++) {
                if (snprintf(temporary, PATH_MAX, "%s.%d-%d", path, getpid(), i) >= PATH_MAX)
                        return -ENAMETOOLONG;
                fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
                if (fd < 0 && errno != EEXIST)
                        break;
        }
        return fd < 0 ? -errno : fd;
}

static int write_file(const char *path, const struct plan *plan)
{
        char temporary[PATH_MAX];
        FILE *file;
        int fd, r;

        fd = create_beside(path, temporary);
        if (fd < 0)
                return fd;
        file = fdopen(fd, "wb");
        if (!file) {
                r = -errno;
                close(fd);
        } else {
                r = finish(file, write_to(file, plan));
        }
        if (!r && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                unlink(temporary);
        return r;
}

static bool size_is_sane(uint32_t width, uint32_t height)
{
        return width && height && width <= SIDE_MAX && height <= SIDE_MAX;
}

static struct plan plan_rgba(uint32_t width, uint32_t height, const uint8_t *rgba)
{
        return (struct plan){.width = width,
                             .height = height,
                             .color_type = PNG_COLOR_TYPE_RGB,
                             .pixels = rgba,
                             .stride = (size_t)width * 4,
                             .drop_alpha = true};
}

int picture_write_png_fd(int fd, uint32_t width, uint32_t height, const uint8_t *rgba)
{
        struct plan plan = plan_rgba(width, height, rgba);
        FILE *file;
        int own;

        if (!size_is_sane(width, height))
                return -EINVAL;
        own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (own < 0)
                return -errno;
        file = fdopen(own, "wb");
        if (!file) {
                int r = -errno;

                close(own);
                return r;
        }
        return finish(file, write_to(file, &plan));
}

int picture_write_png(const char *path, uint32_t width, uint32_t height, const uint8_t *rgba)
{
        struct plan plan = plan_rgba(width, height, rgba);

        return size_is_sane(width, height) ? write_file(path, &plan) : -EINVAL;
}

int picture_write_png_indexed(const char *path, uint32_t width, uint32_t height, const uint8_t *index,
                              const uint8_t *palette, unsigned colors)
{
        struct plan plan = {.width = width,
                            .height = height,
                            .color_type = PNG_COLOR_TYPE_PALETTE,
                            .pixels = index,
                            .stride = width,
                            .palette = palette,
                            .colors = colors};

        if (!colors || colors > 256 || !size_is_sane(width, height))
                return -EINVAL;
        /* Readers refuse an index beyond the palette, so do not write such a file. */
        for (size_t i = 0; i < (size_t)width * height; i++)
                if (index[i] >= colors)
                        return -EINVAL;
        return write_file(path, &plan);
}
