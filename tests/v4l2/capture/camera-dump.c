/* camera-dump [SPEC [WIDTHxHEIGHT [RATE [FRAMES [FILE]]]]]: prints what a camera reports and delivers, for tests in the
 * guest.  Writes the last frame to FILE, raw.  Exit status 0: all frames came.  Without SPEC, lists the cameras. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "v4l2/camera.h"

static void print_list(void)
{
        struct camera_info *list;
        int n = camera_list(&list);

        for (int i = 0; i < n; i++)
                printf("node=%s id=%s card=\"%s\" driver=\"%s\" bus=%s formats=\"%s\" largest=%ux%u\n", list[i].node,
                       list[i].id, list[i].card, list[i].driver, list[i].bus, list[i].formats, list[i].width,
                       list[i].height);
        if (n >= 0)
                free(list);
}

static int step(struct camera *camera, const char *path, int *left)
{
        struct pollfd fd = {.fd = camera_fd(camera), .events = POLLIN | POLLPRI};
        struct frame frame;
        int r;

        if (!poll(&fd, 1, 5000))
                return -ETIMEDOUT;
        r = camera_next(camera, &frame);
        if (r == -EAGAIN)
                return 0;
        if (r < 0)
                return r;
        if (!--*left && path) {
                FILE *file = fopen(path, "wb");

                if (!file || fwrite(frame.data, 1, camera_format(camera)->size, file) != camera_format(camera)->size ||
                    fclose(file))
                        return -EIO;
        }
        return camera_release(camera, &frame);
}

int main(int argc, char **argv)
{
        struct camera_wish wish = {0};
        int frames = argc > 4 ? atoi(argv[4]) : 10, left = frames, r;
        const struct camera_counters *counters;
        const struct frame_format *format;
        struct camera *camera;
        char why[256];

        if (argc < 2) {
                print_list();
                return 0;
        }
        if (argc > 2)
                sscanf(argv[2], "%ux%u", &wish.width, &wish.height);
        wish.rate = (struct frame_rate){argc > 3 ? (uint32_t)atoi(argv[3]) : 0, 1};
        r = camera_open(argv[1], &wish, &camera, why, sizeof why);
        if (r < 0) {
                printf("error=%d why=\"%s\"\n", r, why);
                return 1;
        }
        format = camera_format(camera);
        counters = camera_counters(camera);
        printf("name=\"%s\" id=\"%s\" format=%s size=%ux%u stride=%u bytes=%u matrix=%d full=%d rate=%u/%u\n",
               camera_name(camera), camera_id(camera), frame_fourcc_name(format->fourcc), format->width, format->height,
               format->stride, format->size, format->matrix, format->full_range, camera_rate(camera).numerator,
               camera_rate(camera).denominator);
        r = camera_start(camera);
        while (!r && left)
                r = step(camera, argc > 5 ? argv[5] : NULL, &left);
        printf("error=%d frames=%d captured=%ju stale=%ju corrupt=%ju lost=%ju\n", r, frames - left,
               (uintmax_t)counters->captured, (uintmax_t)counters->stale, (uintmax_t)counters->corrupt,
               (uintmax_t)counters->lost);
        camera_close(camera);
        return r < 0 || left;
}
