#include <libv4l2.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "v4l2/video-io.h"
#include "v4l2/xioctl.h"

static int kernel_ioctl(int fd, unsigned long request, void *arg)
{
        return xioctl(fd, request, arg);
}

static void *kernel_map(int fd, size_t length, long long offset)
{
        return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
}

static void kernel_unmap(void *data, size_t length)
{
        munmap(data, length);
}

static void kernel_close(int fd)
{
        close(fd);
}

const struct video_io video_io_kernel = {kernel_ioctl, kernel_map, kernel_unmap, kernel_close};

static int libv4l2_ioctl(int fd, unsigned long request, void *arg)
{
        int r;

        do
                r = v4l2_ioctl(fd, request, arg);
        while (r < 0 && errno == EINTR);
        return r;
}

static void *libv4l2_map(int fd, size_t length, long long offset)
{
        return v4l2_mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

static void libv4l2_unmap(void *data, size_t length)
{
        v4l2_munmap(data, length);
}

static void libv4l2_close(int fd)
{
        v4l2_close(fd);
}

const struct video_io video_io_libv4l2 = {libv4l2_ioctl, libv4l2_map, libv4l2_unmap, libv4l2_close};

int video_io_adopt(int fd)
{
        /* It writes warnings to stderr unless redirected; once per process, because the variable is global. */
        if (!v4l2_log_file)
                v4l2_log_file = fopen("/dev/null", "we");
        return v4l2_fd_open(fd, 0) < 0 ? (errno ? -errno : -EINVAL) : 0;
}
