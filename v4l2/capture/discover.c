#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-device.h>
#include <unistd.h>

#include "v4l2/camera.h"
#include "v4l2/names.h"
#include "v4l2/xioctl.h"

#define LIST_MAX 512

static void read_sizes(int fd, uint32_t fourcc, struct camera_info *info)
{
        for (uint32_t i = 0; i < LIST_MAX; i++) {
                struct v4l2_frmsizeenum size = {.index = i, .pixel_format = fourcc};
                uint32_t width, height;
                bool discrete;

                if (xioctl(fd, VIDIOC_ENUM_FRAMESIZES, &size) < 0)
                        return;
                discrete = size.type == V4L2_FRMSIZE_TYPE_DISCRETE;
                width = discrete ? size.discrete.width : size.stepwise.max_width;
                height = discrete ? size.discrete.height : size.stepwise.max_height;
                if ((uint64_t)width * height > (uint64_t)info->width * info->height) {
                        info->width = width;
                        info->height = height;
                }
                if (!discrete)
                        return;
        }
}

static void read_formats(int fd, struct camera_info *info)
{
        size_t used = 0;

        for (uint32_t i = 0; i < LIST_MAX; i++) {
                struct v4l2_fmtdesc desc = {.index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE};

                if (xioctl(fd, VIDIOC_ENUM_FMT, &desc) < 0)
                        return;
                read_sizes(fd, desc.pixelformat, info);
                if (used + 6 <= sizeof info->formats)
                        used += (size_t)snprintf(info->formats + used, sizeof info->formats - used, "%s%s",
                                                 used ? " " : "", frame_fourcc_name(desc.pixelformat));
        }
}

static bool captures(const struct v4l2_capability *cap)
{
        return (cap->capabilities & V4L2_CAP_DEVICE_CAPS ? cap->device_caps : cap->capabilities) &
               V4L2_CAP_VIDEO_CAPTURE;
}

int camera_ask(const char *node, char *ret_card, size_t size)
{
        struct v4l2_capability cap = {0};
        int fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        r = xioctl(fd, VIDIOC_QUERYCAP, &cap) < 0 ? -errno : captures(&cap) ? 0 : -ENODEV;
        snprintf(ret_card, size, "%.32s", (char *)cap.card);
        close(fd);
        return r;
}

/* False if the node exists but is not a camera: an output, a codec, a webcam's metadata. */
static bool read_node(const char *node, struct camera_info *ret)
{
        struct v4l2_capability cap = {0};
        struct stat st;
        bool camera;
        int fd;

        *ret = (struct camera_info){0};
        snprintf(ret->node, sizeof ret->node, "%s", node);
        if (!stat(ret->node, &st))
                name_by_id(st.st_rdev, ret->id, sizeof ret->id);
        fd = open(ret->node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return true;
        if (xioctl(fd, VIDIOC_QUERYCAP, &cap) < 0) {
                close(fd);
                return true;
        }
        camera = captures(&cap);
        if (camera) {
                snprintf(ret->card, sizeof ret->card, "%.*s", (int)sizeof cap.card - 1, (char *)cap.card);
                snprintf(ret->driver, sizeof ret->driver, "%.*s", (int)sizeof cap.driver - 1, (char *)cap.driver);
                snprintf(ret->bus, sizeof ret->bus, "%.*s", (int)sizeof cap.bus_info - 1, (char *)cap.bus_info);
                read_formats(fd, ret);
        }
        close(fd);
        return camera;
}

static int compare_numbers(const void *a, const void *b)
{
        return strverscmp(((const struct camera_info *)a)->node, ((const struct camera_info *)b)->node);
}

/* All video nodes that the kernel knows, even if udev has not seen them: a container may have no udev. */
static int find_nodes(sd_device_enumerator **ret)
{
        int r = sd_device_enumerator_new(ret);

        if (r >= 0)
                r = sd_device_enumerator_allow_uninitialized(*ret);
        if (r >= 0)
                r = sd_device_enumerator_add_match_subsystem(*ret, "video4linux", true);
        return r < 0 ? r : sd_device_enumerator_add_match_sysname(*ret, "video*");
}

static int read_nodes(sd_device_enumerator *nodes, struct camera_info **ret)
{
        struct camera_info *list = NULL, *grown;
        const char *node;
        int n = 0;

        for (sd_device *d = sd_device_enumerator_get_device_first(nodes); d;
             d = sd_device_enumerator_get_device_next(nodes)) {
                grown = realloc(list, ((size_t)n + 1) * sizeof *list);
                if (!grown) {
                        free(list);
                        return -ENOMEM;
                }
                list = grown;
                if (sd_device_get_devname(d, &node) >= 0 && access(node, F_OK) == 0 && read_node(node, &list[n]))
                        n++;
        }
        if (n > 0)
                qsort(list, (size_t)n, sizeof *list, compare_numbers);
        *ret = list;
        return n;
}

int camera_list(struct camera_info **ret)
{
        sd_device_enumerator *nodes = NULL;
        int r = find_nodes(&nodes);

        if (r >= 0)
                r = read_nodes(nodes, ret);
        sd_device_enumerator_unref(nodes);
        return r;
}
