/* There are two sources, neither of which is sufficient.  The module's reference count is exact, one for each open
 * file, but it covers all of its nodes together and lags behind: a closed file is released shortly after the event.
 * inotify reports the node, but merges identical successive events.  Events therefore say when to look and which node
 * changed, and the count says by how much.  In case of doubt, the camera is on for nobody rather than off for a reader;
 * doubts end when no node is open at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "v4l2/frame-timer.h"
#include "v4l2/output/openers.h"
#include "v4l2/video-io.h"

#define MODULE "/sys/module/v4l2loopback/refcnt"
#define CLASS "/sys/class/video4linux"
#define EVENTS (IN_OPEN | IN_CLOSE)

#define NODES_MAX 32 /* 0.12 makes up to 8 */
#define SETTLE_NS 200000000ull
#define LOOKS 10 /* after the last event, at look_rate */
static const struct frame_rate look_rate = {10, 1};

struct openers {
        int epoll, inotify, timer, module;
        struct {
                dev_t device;
                int watch;
        } nodes[NODES_MAX]; /* the first is ours */
        int nodes_n;
        bool blind; /* there are nodes whose events we cannot get */

        int base_total, base_ours;         /* of all nodes and of ours, when everything last added up */
        int moved_ours, moved_others;      /* opened minus closed since then, according to the events */
        bool touched_ours, touched_others; /* there were events while we looked */

        unsigned count; /* as reported */
        unsigned rise;  /* what it is about to rise to: the lowest value since `since`; 0: nothing */
        uint64_t since;
        int looks;
};

static bool is_node(const struct openers *openers, dev_t device)
{
        for (int i = 0; i < openers->nodes_n; i++)
                if (openers->nodes[i].device == device)
                        return true;
        return false;
}

/* Open files of such nodes in this program: the virtual camera, and perhaps the camera. */
static int count_own(const struct openers *openers)
{
        DIR *dir = opendir("/proc/self/fd");
        struct dirent *entry;
        struct stat st;
        int n = 0;

        if (!dir)
                return 1;
        while ((entry = readdir(dir)))
                if (!fstatat(dirfd(dir), entry->d_name, &st, 0) && S_ISCHR(st.st_mode))
                        n += is_node(openers, st.st_rdev);
        closedir(dir);
        return n;
}

/* Open files of all nodes, except our own. */
static int count_total(const struct openers *openers)
{
        char text[16] = "";
        int n = 0;

        if (pread(openers->module, text, sizeof text - 1, 0) > 0)
                n = atoi(text) - count_own(openers);
        return n > 0 ? n : 0;
}

/* Other programs that have our node open, derived from what has happened since everything added up. */
static int weigh(const struct openers *openers, int total)
{
        int change = total - openers->base_total;
        int unseen = change - openers->moved_ours - openers->moved_others;

        if (openers->nodes_n == 1 && !openers->blind)
                return total;
        if (!openers->touched_ours)
                return openers->base_ours;
        if (!openers->touched_others && !openers->blind)
                return openers->base_ours + change;
        return openers->base_ours + openers->moved_ours + (unseen > 0 ? unseen : 0);
}

static int count_ours(struct openers *openers)
{
        int total = count_total(openers), ours = weigh(openers, total);

        ours = ours < 0 ? 0 : ours > total ? total : ours;
        if (openers->looks && total - openers->base_total != openers->moved_ours + openers->moved_others)
                return ours;
        openers->base_total = total;
        openers->base_ours = ours;
        openers->moved_ours = openers->moved_others = 0;
        if (!openers->looks)
                openers->touched_ours = openers->touched_others = false;
        return ours;
}

static void settle(struct openers *openers, unsigned ours)
{
        uint64_t now = monotonic_now();

        if (ours <= openers->count) {
                openers->count = ours;
                openers->rise = 0;
                return;
        }
        if (!openers->rise) {
                openers->rise = ours;
                openers->since = now;
        }
        if (ours < openers->rise)
                openers->rise = ours;
        if (now - openers->since < SETTLE_NS)
                return;
        openers->count = openers->rise;
        openers->rise = ours > openers->count ? ours : 0;
        openers->since = now;
}

/* A program that probed the node and left must not be settled together with the next one that probes: because the count
 * lags, its low value in between may never have been seen. */
static void limit_rise(struct openers *openers, int ours)
{
        if (ours < (int)openers->rise)
                openers->rise = ours > (int)openers->count ? (unsigned)ours : 0;
}

static void take_event(struct openers *openers, const struct inotify_event *event)
{
        int step = event->mask & IN_OPEN ? 1 : event->mask & IN_CLOSE ? -1 : 0;

        if (event->mask & IN_Q_OVERFLOW) {
                openers->touched_ours = openers->touched_others = true;
        } else if (event->wd == openers->nodes[0].watch) {
                openers->moved_ours += step;
                openers->touched_ours = true;
                limit_rise(openers, openers->base_ours + openers->moved_ours);
        } else {
                openers->moved_others += step;
                openers->touched_others = true;
        }
}

/* Returns whether there was an event. */
static bool take_events(struct openers *openers)
{
        _Alignas(struct inotify_event) char data[4096];
        ssize_t n = read(openers->inotify, data, sizeof data);

        for (ssize_t at = 0; at < n;) {
                const struct inotify_event *event = (const void *)(data + at);

                take_event(openers, event);
                at += (ssize_t)(sizeof *event + event->len);
        }
        return n > 0;
}

static void look_for_a_while(struct openers *openers)
{
        openers->looks = LOOKS;
        frame_timer_start(openers->timer, look_rate);
}

void openers_dispatch(struct openers *openers)
{
        bool due = frame_timer_take(openers->timer) > 0;

        if (take_events(openers))
                look_for_a_while(openers);
        else if (due && openers->looks)
                openers->looks--;
        settle(openers, (unsigned)count_ours(openers));
        if (!openers->looks && !openers->rise)
                frame_timer_stop(openers->timer);
}

unsigned openers_count(const struct openers *openers)
{
        return openers->count;
}

int openers_fd(const struct openers *openers)
{
        return openers->epoll;
}

static int add_node(struct openers *openers, dev_t device, const char *path)
{
        int watch;

        if (openers->nodes_n == NODES_MAX)
                return -ENOSPC;
        openers->nodes[openers->nodes_n].device = device;
        openers->nodes[openers->nodes_n].watch = watch = inotify_add_watch(openers->inotify, path, EVENTS);
        openers->nodes_n++;
        return watch < 0 ? -errno : 0;
}

static int add_ours(struct openers *openers, int fd)
{
        char path[64];
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        return add_node(openers, st.st_rdev, path);
}

/* 0: not a v4l2loopback node. */
static dev_t read_device(const char *name)
{
        char path[PATH_MAX];
        unsigned major, minor;
        FILE *file;
        int n;

        snprintf(path, sizeof path, CLASS "/%s/max_openers", name);
        if (access(path, F_OK) < 0)
                return 0;
        snprintf(path, sizeof path, CLASS "/%s/dev", name);
        file = fopen(path, "re");
        if (!file)
                return 0;
        n = fscanf(file, "%u:%u", &major, &minor);
        fclose(file);
        return n == 2 ? makedev(major, minor) : 0;
}

/* The driver's other nodes: no new ones can appear while one is open. */
static void add_others(struct openers *openers)
{
        DIR *dir = opendir(CLASS);
        struct dirent *entry;

        if (!dir) {
                openers->blind = true;
                return;
        }
        while ((entry = readdir(dir))) {
                dev_t device = entry->d_name[0] == '.' ? 0 : read_device(entry->d_name);
                char path[PATH_MAX];

                if (!device || is_node(openers, device))
                        continue;
                snprintf(path, sizeof path, "/dev/%s", entry->d_name);
                openers->blind |= add_node(openers, device, path) < 0;
        }
        closedir(dir);
}

/* With one node, every opener is ours.  With several, a node that has a format before anybody feeds it is held open by
 * a program that read it from the last producer (or has keep_format=1): then all of them might be ours, and a camera
 * that is on for nobody is the lesser evil. */
static int guess_ours(const struct openers *openers, int fd)
{
        struct v4l2_fmtdesc second = {.index = 1, .type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
        bool fixed = video_io_kernel.ioctl(fd, VIDIOC_ENUM_FMT, &second) < 0;

        return openers->nodes_n == 1 || fixed ? openers->base_total : 0;
}

static int prepare(struct openers *openers, int fd)
{
        struct epoll_event interest = {.events = EPOLLIN};
        int r;

        openers->module = open(MODULE, O_RDONLY | O_CLOEXEC);
        openers->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        openers->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (openers->module < 0 || openers->inotify < 0 || openers->epoll < 0)
                return -errno;
        openers->timer = frame_timer_open();
        if (openers->timer < 0)
                return openers->timer;
        if (epoll_ctl(openers->epoll, EPOLL_CTL_ADD, openers->inotify, &interest) < 0 ||
            epoll_ctl(openers->epoll, EPOLL_CTL_ADD, openers->timer, &interest) < 0)
                return -errno;
        r = add_ours(openers, fd);
        if (r < 0)
                return r;
        add_others(openers);
        openers->base_total = count_total(openers);
        openers->base_ours = guess_ours(openers, fd);
        openers->count = (unsigned)openers->base_ours;
        look_for_a_while(openers);
        return 0;
}

int openers_open(int fd, struct openers **ret)
{
        struct openers *openers = calloc(1, sizeof *openers);
        int r;

        if (!openers)
                return -ENOMEM;
        openers->epoll = openers->inotify = openers->timer = openers->module = -1;
        r = prepare(openers, fd);
        if (r < 0) {
                openers_close(openers);
                return r;
        }
        *ret = openers;
        return 0;
}

void openers_close(struct openers *openers)
{
        if (!openers)
                return;
        if (openers->epoll >= 0)
                close(openers->epoll);
        if (openers->timer >= 0)
                close(openers->timer);
        if (openers->inotify >= 0)
                close(openers->inotify);
        if (openers->module >= 0)
                close(openers->module);
        free(openers);
}
