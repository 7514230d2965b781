/* The system calls of a V4L2 node, either the kernel's or libv4l2's, which converts on the way. */
#pragma once

#include <stddef.h>

struct video_io {
        int (*ioctl)(int fd, unsigned long request, void *arg); /* not cut short by signals */
        void *(*map)(int fd, size_t length, long long offset);  /* MAP_FAILED */
        void (*unmap)(void *data, size_t length);
        void (*close)(int fd);
};

extern const struct video_io video_io_kernel, video_io_libv4l2;

/* Makes `fd` one of libv4l2's, which must then be closed by it.  Negative errno: not possible, fd stays as it was. */
int video_io_adopt(int fd);
