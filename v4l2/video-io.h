/* The system calls of a V4L2 node: the kernel's, or libv4l2's, which also converts frames. */
#pragma once

#include <stddef.h>

struct video_io {
        int (*ioctl)(int fd, unsigned long request, void *arg); /* restarted after signals */
        void *(*map)(int fd, size_t length, long long offset);  /* or MAP_FAILED */
        void (*unmap)(void *data, size_t length);
        void (*close)(int fd);
};

extern const struct video_io video_io_kernel, video_io_libv4l2;

/* Hands `fd` over to libv4l2: from then on use video_io_libv4l2, also to close it.  Negative errno: libv4l2 refuses it,
 * and `fd` is unchanged. */
int video_io_adopt(int fd);
