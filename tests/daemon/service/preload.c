/* Put before the C library and libvulkan by LD_PRELOAD, for faults that these drivers do not have: while the file that
 * FAULT_BOOTTIME names is there, CLOCK_BOOTTIME is an hour ahead, as after a sleep; when the one that FAULT_GPU names
 * is, the next submission finds the GPU lost and takes the file away, and with FAULT_EXIT its driver then hangs when
 * the program exits; with FAULT_NO_CODE nothing can be made executable, as under MemoryDenyWriteExecute=; with the file
 * that FAULT_OUTPUT names, the next frame for a virtual camera ends in EIO, and while it is there the camera is asked
 * for frames of 160x120, whatever visaged wants; as long as the file that FAULT_SLOW_FILES names is there, models can
 * be neither listed nor opened: a disk that does not answer. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

static int there(const char *variable)
{
        const char *path = getenv(variable);

        return path && access(path, F_OK) == 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
        static int (*real)(clockid_t clock, struct timespec * ret);

        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
        int r = real(clock, ret);
        if (r == 0 && clock == CLOCK_BOOTTIME && there("FAULT_BOOTTIME"))
                ret->tv_sec += 3600;
        return r;
}

static void wait_for_files(void)
{
        while (there("FAULT_SLOW_FILES"))
                usleep(1000);
}

int glob64(const char *pattern, int flags, int (*on_error)(const char *path, int error), glob64_t *ret)
{
        static typeof(glob64) *real;

        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "glob64");
        wait_for_files();
        return real(pattern, flags, on_error, ret);
}

int open64(const char *path, int flags, ...)
{
        const char *suffix = strrchr(path, '.');
        va_list ap;

        va_start(ap, flags);
        mode_t mode = va_arg(ap, mode_t);
        va_end(ap);
        if (suffix && strcmp(suffix, ".safetensors") == 0)
                wait_for_files();
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int mprotect(void *address, size_t size, int protection)
{
        if (getenv("FAULT_NO_CODE") && protection & PROT_EXEC) {
                errno = EPERM;
                return -1;
        }
        return syscall(SYS_mprotect, address, size, protection);
}

int ioctl(int fd, unsigned long request, ...)
{
        static int failed;
        struct v4l2_format *format;
        va_list ap;

        va_start(ap, request);
        void *argument = va_arg(ap, void *);
        va_end(ap);
        if (request == VIDIOC_QBUF && ((struct v4l2_buffer *)argument)->type == V4L2_BUF_TYPE_VIDEO_OUTPUT && !failed &&
            there("FAULT_OUTPUT")) {
                failed = 1;
                errno = EIO;
                return -1;
        }
        format = argument;
        if (request == VIDIOC_S_FMT && format->type == V4L2_BUF_TYPE_VIDEO_OUTPUT && there("FAULT_OUTPUT")) {
                format->fmt.pix.width = 160;
                format->fmt.pix.height = 120;
        }
        return syscall(SYS_ioctl, fd, request, argument);
}

static void hang(void)
{
        for (;;)
                pause();
}

VkResult vkQueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits, VkFence fence)
{
        static PFN_vkQueueSubmit real;

        if (there("FAULT_GPU") && unlink(getenv("FAULT_GPU")) == 0) {
                if (getenv("FAULT_EXIT"))
                        atexit(hang);
                return VK_ERROR_DEVICE_LOST;
        }
        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "vkQueueSubmit");
        return real(queue, count, submits, fence);
}
