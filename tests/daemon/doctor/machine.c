#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/common/paths.h"
#include "tests/daemon/doctor/machine.h"
#include "tests/v4l2/temporary.h"

char root[100];
struct config config;
struct doctor_world world;
struct doctor_finding found;

/* ---- a driver ---- */

struct machine_driver fake;

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
        va_list ap;

        va_start(ap, request);
        void *arg = va_arg(ap, void *);
        va_end(ap);
        errno = fake.error;
        if (fake.error)
                return -1;
        if (request == VIDIOC_QUERYCAP)
                *(struct v4l2_capability *)arg = (struct v4l2_capability){
                        .card = "HD Webcam",
                        .capabilities = V4L2_CAP_DEVICE_CAPS | V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_META_CAPTURE,
                        .device_caps = fake.caps};
        else if (request == VIDIOC_G_FMT)
                ((struct v4l2_format *)arg)->fmt.pix = fake.pix;
        else
                fail_msg("ioctl %lx", request);
        return 0;
}

/* ---- trees ---- */

const char *in_root(const char *path)
{
        static char full[4][PATH_MAX];
        static unsigned turn;
        char *ret = full[turn++ % 4];

        snprintf(ret, PATH_MAX, "%s%s", root, path);
        return ret;
}

static void make_folder_of(const char *full)
{
        char folder[PATH_MAX];

        snprintf(folder, sizeof folder, "%s", full);
        *strrchr(folder, '/') = '\0';
        assert_int_equal(paths_make(folder), 0);
}

void put_bytes(const char *path, const void *data, size_t size)
{
        const char *full = in_root(path);

        make_folder_of(full);
        FILE *file = fopen(full, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, size, file), size);
        fclose(file);
}

void put(const char *path, const char *text)
{
        put_bytes(path, text, strlen(text));
}

void put_link(const char *path, const char *target)
{
        const char *full = in_root(path);

        make_folder_of(full);
        unlink(full);
        assert_int_equal(symlink(target, full), 0);
}

void put_node(const char *name, const char *label, bool loopback, const char *format)
{
        char path[200];

        snprintf(path, sizeof path, "/sys/class/video4linux/%s/name", name);
        put(path, label);
        snprintf(path, sizeof path, "/dev/%s", name);
        put_link(path, "/dev/null");
        if (!loopback)
                return;
        snprintf(path, sizeof path, "/sys/class/video4linux/%s/format", name);
        put(path, format);
        snprintf(path, sizeof path, "/sys/class/video4linux/%s/buffers", name);
        put(path, "4\n");
}

void put_process(const char *pid, const char *name, const char *opened)
{
        char path[200];

        snprintf(path, sizeof path, "/proc/%s/comm", pid);
        put(path, name);
        snprintf(path, sizeof path, "/proc/%s/fd/0", pid);
        put_link(path, "/dev/pts/0");
        snprintf(path, sizeof path, "/proc/%s/fd/7", pid);
        put_link(path, opened);
}

void put_module(const char *caps, const char *buffers, const char *version)
{
        put("/sys/module/v4l2loopback/parameters/video_nr", "5,10,-1,-1\n");
        put("/sys/module/v4l2loopback/parameters/exclusive_caps", caps);
        put("/sys/module/v4l2loopback/parameters/max_buffers", buffers);
        if (version)
                put("/sys/module/v4l2loopback/version", version);
}

static void put_number(FILE *file, uint32_t number)
{
        for (int shift = 24; shift >= 0; shift -= 8)
                putc((int)(number >> shift & 0xff), file);
}

void put_index(const char *module, const char *line)
{
        const uint32_t magic = 0xb007f457, version = 0x20001, has_prefix = 0x80000000, has_values = 0x40000000;
        const char *full = in_root("/lib/modules/" KERNEL "/modules.dep.bin");

        make_folder_of(full);
        FILE *file = fopen(full, "wb");
        assert_non_null(file);
        put_number(file, magic);
        put_number(file, version);
        put_number(file, 12 | has_prefix | has_values); /* where the node begins */
        fwrite(module, 1, strlen(module) + 1, file);
        put_number(file, 1); /* values */
        put_number(file, 0); /* the value's priority */
        fwrite(line, 1, strlen(line) + 1, file);
        assert_int_equal(fclose(file), 0);
}

/* Another user may look into it. */
int machines_make(void **state)
{
        int r = temporary_make(state);

        return r < 0 ? r : chmod(temporary, 0755);
}

int machines_remove(void **state)
{
        return temporary_remove(state);
}

int machine_setup(void **state)
{
        static unsigned n;

        snprintf(root, sizeof root, "%s/%u", temporary, n++);
        config_init(&config);
        world = (struct doctor_world){.root = root, .kernel = KERNEL, .config = &config, .user = "kim", .uid = 1000};
        world.node = "/dev/video10";
        fake.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        fake.error = 0;
        return mkdir(root, 0777);
}

/* ---- what was found ---- */

void expect(void (*run)(const struct doctor_world *, struct doctor_finding *), enum doctor_severity severity,
            const char *seen, const char *fix)
{
        found = (struct doctor_finding){0};
        run(&world, &found);
        if (found.severity != severity || !strstr(found.seen, seen) || (fix ? !strstr(found.fix, fix) : found.fix[0]))
                fail_msg("%s: \"%s\" -> \"%s\"", doctor_severity_names[found.severity], found.seen, found.fix);
}
