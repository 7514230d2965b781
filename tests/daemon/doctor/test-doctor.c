/* The checks of "visagectl doctor" against small trees of /sys, /proc, /dev and /etc in a temporary folder.  Nodes are
 * links to /dev/null, and this file answers for their driver (ioctl() is wrapped by the linker). */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/videodev2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/common/paths.h"
#include "daemon/doctor/world.h"
#include "tests/v4l2/cm.h"
#include "tests/v4l2/temporary.h"

#define KERNEL "6.1.0-18-amd64"
#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static char root[100];
static struct config config;
static struct doctor_world world;
static struct doctor_finding found;

/* ---- a driver ---- */

static struct {
        uint32_t caps;
        struct v4l2_pix_format pix;
        int error; /* every call fails so */
} fake;

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

static const char *in_root(const char *path)
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

static void put_bytes(const char *path, const void *data, size_t size)
{
        const char *full = in_root(path);

        make_folder_of(full);
        FILE *file = fopen(full, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, size, file), size);
        fclose(file);
}

static void put(const char *path, const char *text)
{
        put_bytes(path, text, strlen(text));
}

static void put_link(const char *path, const char *target)
{
        const char *full = in_root(path);

        make_folder_of(full);
        unlink(full);
        assert_int_equal(symlink(target, full), 0);
}

static void put_node(const char *name, const char *label, bool loopback, const char *format)
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

static void put_process(const char *pid, const char *name, const char *opened)
{
        char path[200];

        snprintf(path, sizeof path, "/proc/%s/comm", pid);
        put(path, name);
        snprintf(path, sizeof path, "/proc/%s/fd/0", pid);
        put_link(path, "/dev/pts/0");
        snprintf(path, sizeof path, "/proc/%s/fd/7", pid);
        put_link(path, opened);
}

static void put_module(const char *caps, const char *buffers, const char *version)
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

/* What depmod writes, of a single module: a header, then a tree of names that is one node with a prefix and a value. */
static void put_index(const char *module, const char *line)
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

/* An empty root for each test. */
static int setup(void **state)
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

static void expect(void (*run)(const struct doctor_world *, struct doctor_finding *), enum doctor_severity severity,
                   const char *seen, const char *fix)
{
        found = (struct doctor_finding){0};
        run(&world, &found);
        if (found.severity != severity || !strstr(found.seen, seen) || (fix ? !strstr(found.fix, fix) : found.fix[0]))
                fail_msg("%s: \"%s\" -> \"%s\"", doctor_severity_names[found.severity], found.seen, found.fix);
}

/* ---- v4l2loopback ---- */

/* Debian's names and commands only where they are what there is. */
static void other_packages(void **state)
{
        static const char *const debians[] = {"NAME=x\nID=debian\n", "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                                              "ID=ubuntu"};

        for (size_t i = 0; i < sizeof debians / sizeof debians[0]; i++) {
                put("/etc/os-release", debians[i]);
                expect(doctor_module, DOCTOR_PROBLEM, "not installed",
                       "apt install v4l2loopback-dkms linux-headers-" KERNEL);
        }
        put("/etc/os-release", "NAME=\"not debian\"\nID=fedora\n");
        expect(doctor_module, DOCTOR_PROBLEM, "not installed",
               "install v4l2loopback (as DKMS source) and the headers of the kernel " KERNEL);
        assert_null(strstr(found.fix, "apt"));
        put("/usr/src/v4l2loopback-0.12.7/dkms.conf", "");
        expect(doctor_module, DOCTOR_PROBLEM, "not built for this kernel", "dkms autoinstall");
        assert_null(strstr(found.fix, "apt"));
}

static void module_states(void **state)
{
        expect(doctor_module, DOCTOR_PROBLEM, "not installed", "apt install v4l2loopback-dkms linux-headers-" KERNEL);
        put("/usr/src/v4l2loopback-0.12.7/dkms.conf", "");
        expect(doctor_module, DOCTOR_PROBLEM, "not built for this kernel", "dkms autoinstall");
        put_index("another", "kernel/another.ko:");
        expect(doctor_module, DOCTOR_PROBLEM, "not built for this kernel", "dkms autoinstall");
        put_index("v4l2loopback", "updates/dkms/v4l2loopback.ko.xz:");
        expect(doctor_module, DOCTOR_PROBLEM, "installed, but not loaded", "modprobe v4l2loopback exclusive_caps=1");
        world.node = "/dev/video3";
        expect(doctor_module, DOCTOR_PROBLEM, "not loaded", "video_nr=3 ");
        put_module("N,Y,N\n", "4\n", NULL);
        expect(doctor_module, DOCTOR_OK, "loaded", NULL);
        world.node = "";
        expect(doctor_module, DOCTOR_SKIPPED, "is a file", NULL);
}

static void secure_boot(void **state)
{
        static const char module[] = "code~Module signature appended~\n";

        put_index("v4l2loopback", "updates/dkms/v4l2loopback.ko:");
        put("/lib/modules/" KERNEL "/updates/dkms/v4l2loopback.ko",
            "a module without anything at its end, as they were");
        put_bytes(SECURE_BOOT, "\6\0\0\0\0", 5);
        expect(doctor_module, DOCTOR_PROBLEM, "not loaded", "modprobe");
        assert_null(strstr(found.seen, "Secure Boot"));
        put_bytes(SECURE_BOOT, "\6\0\0\0\1", 5);
        expect(doctor_module, DOCTOR_PROBLEM, "Secure Boot is on, and the module is not signed", "mokutil --import");
        put("/lib/modules/" KERNEL "/updates/dkms/v4l2loopback.ko", module);
        expect(doctor_module, DOCTOR_PROBLEM, "Secure Boot is on and refuses a module whose key", "mokutil --import");
        put_bytes(SECURE_BOOT, "\6", 1);
        expect(doctor_module, DOCTOR_PROBLEM, "installed, but not loaded", "modprobe");
}

static void module_versions(void **state)
{
        expect(doctor_version, DOCTOR_SKIPPED, "not loaded", NULL);
        put_module("N,Y\n", "4\n", NULL);
        expect(doctor_version, DOCTOR_OK, "not reported", NULL);
        put_module("N,Y\n", "4\n", "0.12.7\n");
        expect(doctor_version, DOCTOR_OK, "0.12.7: several programs", NULL);
        put_module("N,Y\n", "4\n", "0.13.2\n");
        expect(doctor_version, DOCTOR_OK, "0.13.2: only one program at a time", NULL);
        put_module("N,Y\n", "4\n", "0.15.0\n");
        expect(doctor_version, DOCTOR_OK, "one program at a time", NULL);
        put_module("N,Y\n", "4\n", "1.0\n");
        expect(doctor_version, DOCTOR_OK, "one program at a time", NULL);
        put_module("N,Y\n", "4\n", "0.12.1\n");
        expect(doctor_version, DOCTOR_WARNING, "older", "0.12.7");
        put_module("N,Y\n", "4\n", "junk\n");
        expect(doctor_version, DOCTOR_OK, "not reported", NULL);
}

static void module_parameters(void **state)
{
        expect(doctor_exclusive_caps, DOCTOR_SKIPPED, "not loaded", NULL);
        expect(doctor_max_buffers, DOCTOR_SKIPPED, "not loaded", NULL);
        put_module("N,Y,N,N\n", "4\n", NULL); /* /dev/video10 is the second */
        expect(doctor_exclusive_caps, DOCTOR_OK, "1", NULL);
        expect(doctor_max_buffers, DOCTOR_OK, "4", NULL);
        put_module("Y,N,N,N\n", "2\n", NULL);
        expect(doctor_exclusive_caps, DOCTOR_PROBLEM, "browsers", "exclusive_caps=1");
        expect(doctor_max_buffers, DOCTOR_WARNING, "2: ", "max_buffers=4");
        expect(doctor_max_buffers, DOCTOR_WARNING, "2: ", "systemctl stop visaged && modprobe -r"); /* which holds it */
        world.node = "/dev/video5";
        expect(doctor_exclusive_caps, DOCTOR_OK, "1", NULL);
        world.node = "/dev/video77"; /* added later: as the first */
        expect(doctor_exclusive_caps, DOCTOR_OK, "1", NULL);
        put_module("", "", NULL);
        expect(doctor_exclusive_caps, DOCTOR_SKIPPED, "cannot be read", NULL);
}

/* ---- the virtual camera ---- */

static void node(void **state)
{
        expect(doctor_node, DOCTOR_PROBLEM, "there is no /dev/video10", "video_nr=10");
        put_node("video2", "Other loopback\n", true, "");
        put_node("video11", "Third\n", true, "");
        expect(doctor_node, DOCTOR_PROBLEM, "there is no /dev/video10", "/dev/video2, /dev/video11");
        put_node("video10", "HD Webcam\n", false, "");
        expect(doctor_node, DOCTOR_PROBLEM, "\"HD Webcam\", not a v4l2loopback node", "/dev/video2, /dev/video11");
        put_node("video10", "visaged\n", true, "");
        expect(doctor_node, DOCTOR_OK, "/dev/video10, \"visaged\"", NULL);
        world.node = "";
        expect(doctor_node, DOCTOR_SKIPPED, "is a file", NULL);
}

static void producer(void **state)
{
        json_t *daemon = json_pack("{s:s}", "state", "idle");

        expect(doctor_producer, DOCTOR_SKIPPED, "not a v4l2loopback node", NULL);
        put_node("video10", "visaged\n", true, "");
        expect(doctor_producer, DOCTOR_OK, "no program writes", NULL);
        put_node("video10", "visaged\n", true, "YU12:640x480@30\n");
        expect(doctor_producer, DOCTOR_PROBLEM, "another program writes to it", "fuser");
        put("/proc/99/comm", "secret\n");
        put("/proc/99/fd", "no folder"); /* it may not be seen */
        expect(doctor_producer, DOCTOR_PROBLEM, "only root can see", "as root");
        world.daemon = daemon;
        expect(doctor_producer, DOCTOR_OK, "visaged", NULL);
        put_process("4711", "obs\n", "/dev/video10");
        put_process("4712", "bash\n", "/dev/video1");
        world.daemon = NULL;
        expect(doctor_producer, DOCTOR_PROBLEM, "one of obs (4711)", "end that program");
        world.daemon = daemon;
        expect(doctor_producer, DOCTOR_OK, "visaged; also open in obs (4711)", NULL);
        assert_int_equal(unlink(in_root("/proc/99/fd")), 0); /* it ended while it was looked at: it hides nothing */
        expect(doctor_producer, DOCTOR_PROBLEM, "one of obs (4711)", "end that program");
        world.daemon = NULL;
        put_process("12", "visaged\n", "/dev/video10");
        expect(doctor_producer, DOCTOR_OK, "visaged; also open in obs (4711)", NULL);
        json_decref(daemon);
}

static void size(void **state)
{
        expect(doctor_size, DOCTOR_OK, "640x480", NULL);
        config.width = 720;
        config.height = 540;
        expect(doctor_size, DOCTOR_WARNING, "720x540", "1280x720");
        config.width = 1920;
        config.height = 1080;
        expect(doctor_size, DOCTOR_OK, "1920x1080", NULL);
}

static void colours(void **state)
{
        json_t *daemon = json_pack("{s:s}", "state", "idle");

        put_node("video10", "visaged\n", true, "YU12:640x480@30\n");
        expect(doctor_colour, DOCTOR_SKIPPED, "visaged is not writing", NULL);
        world.daemon = daemon;
        fake.pix = (struct v4l2_pix_format){
                .width = 640, .height = 480, .pixelformat = V4L2_PIX_FMT_YUV420, .colorspace = V4L2_COLORSPACE_SRGB};
        expect(doctor_colour, DOCTOR_OK, "YU12 640x480, BT.601, limited range", NULL);
        fake.pix.quantization = V4L2_QUANTIZATION_FULL_RANGE;
        expect(doctor_colour, DOCTOR_WARNING, "full range", "reload v4l2loopback");
        fake.pix.quantization = V4L2_QUANTIZATION_LIM_RANGE;
        fake.pix.colorspace = V4L2_COLORSPACE_REC709;
        expect(doctor_colour, DOCTOR_WARNING, "BT.709", "reload");
        fake.error = EIO;
        expect(doctor_colour, DOCTOR_SKIPPED, "cannot be asked", NULL);
        json_decref(daemon);
}

/* A pw-dump of our own on the PATH. */
static void put_pw_dump(const char *script)
{
        put("/bin/pw-dump", script);
        assert_int_equal(chmod(in_root("/bin/pw-dump"), 0755), 0);
}

static void pipewire(void **state)
{
        char *path = strdup(getenv("PATH")), *with;

        put_node("video10", "visaged\n", true, "");
        assert_true(asprintf(&with, "%s/bin:/usr/bin:/bin", root) > 0);
        setenv("PATH", with, 1);
        put_pw_dump("#!/bin/sh\necho '[{\"id\":1},{\"info\":{\"props\":{\"media.class\":\"Video/Source\","
                    "\"api.v4l2.path\":\"/dev/video10\"}}}]'\n");
        expect(doctor_pipewire, DOCTOR_OK, "/dev/video10", NULL);
        put_pw_dump("#!/bin/sh\necho '[{\"info\":{\"props\":{\"media.class\":\"Video/Device\","
                    "\"api.v4l2.path\":\"/dev/video10\"}}},7,{\"info\":null}]'\n");
        expect(doctor_pipewire, DOCTOR_WARNING, "does not offer", "restart wireplumber");
        put_pw_dump("#!/bin/sh\necho \"can't connect\" >&2; exit 1\n");
        expect(doctor_pipewire, DOCTOR_SKIPPED, "does not run", NULL);
        put_pw_dump("#!/bin/sh\nexit 127\n");
        expect(doctor_pipewire, DOCTOR_SKIPPED, "not installed", NULL);
        setenv("PATH", path, 1);
        free(with);
        free(path);
}

/* ---- the camera ---- */

static void camera(void **state)
{
        doctor_find_nodes(&world);
        expect(doctor_camera, DOCTOR_PROBLEM, "there is none", "plug one in");
        expect(doctor_camera_users, DOCTOR_SKIPPED, "no camera", NULL);

        put_node("video2", "HD Webcam\n", false, NULL);
        put_node("video1", "loop\n", true, "");
        doctor_find_nodes(&world);
        assert_string_equal(world.camera, "/dev/video2");
        expect(doctor_camera, DOCTOR_OK, "/dev/video2, \"HD Webcam\"", NULL);

        fake.caps = V4L2_CAP_META_CAPTURE;
        expect(doctor_camera, DOCTOR_PROBLEM, "delivers no pictures", "visagectl cameras");
        doctor_find_nodes(&world);
        assert_string_equal(world.camera, "");
        fake.error = EIO;
        strcpy(world.camera, "/dev/video2");
        expect(doctor_camera, DOCTOR_PROBLEM, "Input/output error", "plug it in again");
}

static void camera_by_id(void **state)
{
        strcpy(config.camera, "usb-HD_Webcam-index0");
        doctor_find_nodes(&world);
        expect(doctor_camera, DOCTOR_PROBLEM, "usb-HD_Webcam-index0 is not plugged in", "plug it in");
        put_node("video3", "HD Webcam\n", false, NULL);
        put_link("/dev/v4l/by-id/usb-HD_Webcam-index0", "../../video3");
        doctor_find_nodes(&world);
        assert_string_equal(world.camera, "/dev/video3");
        expect(doctor_camera, DOCTOR_OK, "/dev/video3", NULL);
        strcpy(config.camera, "video3");
        doctor_find_nodes(&world);
        expect(doctor_camera, DOCTOR_PROBLEM, "no camera has the id \"video3\"", "camera = /dev/video3");

        strcpy(config.camera, "/dev/video10");
        put_node("video10", "visaged\n", true, "");
        doctor_find_nodes(&world);
        expect(doctor_camera, DOCTOR_PROBLEM, "is also the virtual camera", "choose another");
        strcpy(config.camera, "/dev/video11");
        put_node("video11", "another\n", true, "");
        doctor_find_nodes(&world);
        expect(doctor_camera, DOCTOR_OK, "another v4l2loopback node", NULL);
        strcpy(config.virtual_camera[1], "y4m:x");
        strcpy(config.virtual_camera[2], "/dev/video11");
        doctor_find_nodes(&world);
        assert_string_equal(world.nodes[0], "/dev/video10");
        assert_string_equal(world.nodes[1], "/dev/video11");
        assert_string_equal(world.nodes[2], "");
        expect(doctor_camera, DOCTOR_PROBLEM, "is also the virtual camera", "choose another");

        config_init(&config);
        strcpy(config.camera, "image:a.png");
        strcpy(config.virtual_camera[0], "y4m:-");
        doctor_find_nodes(&world);
        assert_string_equal(world.camera, "");
        assert_string_equal(world.node, "");
        expect(doctor_camera, DOCTOR_SKIPPED, "a.png", NULL);
}

static void camera_users(void **state)
{
        put_node("video2", "HD Webcam\n", false, NULL);
        strcpy(world.camera, "/dev/video2");
        expect(doctor_camera_users, DOCTOR_OK, "nobody", NULL);
        put_process("50", "visaged\n", "/dev/video2");
        expect(doctor_camera_users, DOCTOR_OK, "visaged alone", NULL);
        put_process("51", "cheese\n", "/dev/video2");
        expect(doctor_camera_users, DOCTOR_OK, "cheese (51)", NULL);
        put("/proc/50/comm", "zoom\n");
        expect(doctor_camera_users, DOCTOR_WARNING, "zoom (50)", "use the virtual camera");
        assert_non_null(strstr(found.seen, "cheese (51)"));
}

/* ---- who may ---- */

/* A device that nobody but root may open, as seen by somebody else. */
static void put_closed(const char *path)
{
        put(path, "");
        assert_int_equal(chmod(in_root(path), 0), 0);
}

static void groups(void **state)
{
        bool is_root = geteuid() == 0;

        put("/etc/group", "root:x:0:\nvideo:x:44:\nrender:x:105:ann,bob\n");
        put_closed("/dev/video10");
        put_closed("/dev/dri/renderD128");
        assert_int_equal(chmod(temporary, 0755), 0);
        if (is_root)
                assert_int_equal(seteuid(65534), 0);
        expect(doctor_groups, DOCTOR_PROBLEM, "kim is not in video,render", "usermod -aG video,render kim");
        world.groups[0] = 44;
        world.groups_n = 1;
        expect(doctor_groups, DOCTOR_PROBLEM, "kim is not in render", "usermod -aG render kim");
        world.groups[1] = 105;
        world.groups_n = 2;
        expect(doctor_groups, DOCTOR_OK, "kim", NULL);
        world.groups_n = 1;
        world.user = "bob";
        expect(doctor_groups, DOCTOR_PROBLEM, "bob was added to render", "log out");
        if (is_root)
                assert_int_equal(seteuid(0), 0);
        put("/etc/passwd", "root:x:0:0::/:/bin/sh\nvisaged:x:998:998::/:/bin/false\n");
        if (is_root)
                assert_int_equal(seteuid(65534), 0);
        expect(doctor_groups, DOCTOR_WARNING, "bob", "log out");
        if (is_root)
                assert_int_equal(seteuid(0), 0);
        world.groups_n = 0;
        assert_int_equal(chmod(in_root("/dev/video10"), 0666), 0); /* as for who sits before the machine */
        assert_int_equal(chmod(in_root("/dev/dri/renderD128"), 0666), 0);
        expect(doctor_groups, DOCTOR_OK, "bob", NULL);
        world.uid = 0;
        expect(doctor_groups, DOCTOR_OK, "root", NULL);
}

static void account(void **state)
{
        put("/etc/passwd", "root:x:0:0::/:/bin/sh\nvisaged2:x:997:997::/:/bin/sh\n");
        expect(doctor_account, DOCTOR_SKIPPED, "not installed", NULL);
        put("/etc/passwd", "root:x:0:0::/:/bin/sh\nvisaged:x:998:998::/:/bin/false\n");
        put("/etc/group", "video:x:44:kim,visaged\nrender:x:105:kim\n");
        expect(doctor_account, DOCTOR_PROBLEM, "not in render", "usermod -aG render visaged");
        put("/etc/group", "video:x:44:kim,visaged\nrender:x:105:visaged,kim\n");
        expect(doctor_account, DOCTOR_OK, "video and render", NULL);
        put("/etc/group", "video\nvideo:x\nrender:x:105:");
        expect(doctor_account, DOCTOR_PROBLEM, "not in ", "usermod");
}

/* ---- the daemon ---- */

static void configuration(void **state)
{
        expect(doctor_configuration, DOCTOR_OK, "no mistakes", NULL);
        strcpy(world.mistake, "/etc/visaged/visaged.conf:3: unknown key \"foo\"");
        strcpy(world.config_file, "/etc/visaged/visaged.conf");
        expect(doctor_configuration, DOCTOR_PROBLEM,
               "visaged.conf:3:", "visaged --config=/etc/visaged/visaged.conf --check");
}

static void service(void **state)
{
        expect(doctor_service, DOCTOR_SKIPPED, "cannot be asked", NULL);
        world.unit = (struct doctor_unit){"not-found", "inactive", "dead", "", "success"};
        expect(doctor_service, DOCTOR_WARNING, "no unit", "install");
        world.unit = (struct doctor_unit){"masked", "inactive", "dead", "masked", "success"};
        expect(doctor_service, DOCTOR_PROBLEM, "masked", "systemctl unmask visaged");
        world.unit = (struct doctor_unit){"bad-setting", "inactive", "dead", "", "success"};
        expect(doctor_service, DOCTOR_PROBLEM, "bad-setting", "systemctl status");
        world.unit = (struct doctor_unit){"loaded", "failed", "failed", "enabled", "exit-code"};
        expect(doctor_service, DOCTOR_PROBLEM, "exit-code", "journalctl -b -u visaged");
        world.user_bus = true;
        world.unit = (struct doctor_unit){"loaded", "activating", "auto-restart", "enabled", "watchdog"};
        expect(doctor_service, DOCTOR_PROBLEM, "watchdog", "journalctl --user ");
        world.unit = (struct doctor_unit){"loaded", "active", "running", "enabled", "success"};
        expect(doctor_service, DOCTOR_OK, "active, running, enabled", NULL);
}

/* On a machine whose only driver computes on the processor. */
static void software_driver(void **state)
{
        glob_t drivers;

        if (glob("/usr/share/vulkan/icd.d/lvp_icd*.json", 0, NULL, &drivers) != 0)
                skip();
        setenv("VK_DRIVER_FILES", drivers.gl_pathv[0], 1);
        setenv("VK_ICD_FILENAMES", drivers.gl_pathv[0], 1);
        globfree(&drivers);
        expect(doctor_gpu, DOCTOR_WARNING, "only the CPU", "expected without a GPU");
        world.unit.no_code = true;
        expect(doctor_gpu, DOCTOR_PROBLEM, "sandbox forbids", "/visaged/software-vulkan.conf");
        put_link("/dev/dri/renderD128", "/dev/null"); /* of a GPU without Vulkan */
        expect(doctor_gpu, DOCTOR_PROBLEM, "sandbox forbids", "/visaged/software-vulkan.conf");
        json_t *daemon = json_pack("{s:s}", "gpu", "Some GPU");
        world.daemon = daemon; /* it may use what this user may not */
        expect(doctor_gpu, DOCTOR_OK, "Some GPU, which visaged uses", NULL);
        strcpy(config.gpu, "Some GPU");
        expect(doctor_self_test, DOCTOR_SKIPPED, "sudo visagectl doctor", NULL);
        config.gpu[0] = '\0';
        json_decref(daemon);
}

static void daemon_states(void **state)
{
        static const struct {
                const char *name;
                enum doctor_severity severity;
                const char *fix;
        } states[] = {{"streaming", DOCTOR_OK, NULL},
                      {"idle", DOCTOR_OK, NULL},
                      {"starting", DOCTOR_OK, NULL},
                      {"waiting", DOCTOR_WARNING, "reason"},
                      {"paused", DOCTOR_WARNING, "visagectl resume"},
                      {"stopped", DOCTOR_WARNING, "visagectl start"}};

        world.daemon_missing = "visaged is not running";
        expect(doctor_daemon, DOCTOR_PROBLEM, "is not running", "systemctl enable --now visaged");
        world.no_bus = true;
        expect(doctor_daemon, DOCTOR_PROBLEM, "is not running", "dbus");
        world.no_bus = false;
        for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
                json_t *daemon = json_pack("{s:s, s:s, s:s}", "version", "0.1.0", "state", states[i].name,
                                           "state_reason", "because");
                world.daemon = daemon;
                expect(doctor_daemon, states[i].severity, ", because", states[i].fix);
                json_decref(daemon);
        }
}

/* The default model. */
static void put_model(const char *path)
{
        const char *from = getenv("VISAGED_MODEL");
        struct stat st;

        assert_non_null(from);
        int fd = open(from, O_RDONLY);
        assert_int_equal(fstat(fd, &st), 0);
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_ptr_not_equal(data, MAP_FAILED);
        put_bytes(path, data, (size_t)st.st_size);
        munmap(data, (size_t)st.st_size);
        close(fd);
}

static void model(void **state)
{
        snprintf(config.model, sizeof config.model, "%s/none.safetensors", root);
        expect(doctor_model, DOCTOR_PROBLEM, "none.safetensors", "\"model\"");
        put("/none.safetensors", "no model");
        expect(doctor_model, DOCTOR_PROBLEM, "none.safetensors", "\"model\"");
        snprintf(config.model, sizeof config.model, "%s/right.safetensors", root);
        put_model("/right.safetensors");
        expect(doctor_model, DOCTOR_OK, "right.safetensors", NULL);
        world.unit.no_home = true; /* and the test's folder is in /tmp */
        expect(doctor_model, DOCTOR_PROBLEM, "the service cannot see", "/usr/local/share/visaged");
}

/* ---- checks that do not come back ---- */

static void crash(const struct doctor_world *w, struct doctor_finding *ret)
{
        signal(SIGABRT, SIG_DFL); /* cmocka's */
        abort();
}

static void leave(const struct doctor_world *w, struct doctor_finding *ret)
{
        _exit(3);
}

static void sleep_long(const struct doctor_world *w, struct doctor_finding *ret)
{
        raise(SIGALRM); /* as the child's alarm does */
}

static void answer(const struct doctor_world *w, struct doctor_finding *ret)
{
        doctor_say(ret, DOCTOR_WARNING, "seen");
        doctor_fix(ret, "fix");
}

static void children(void **state)
{
        static const struct {
                void (*run)(const struct doctor_world *, struct doctor_finding *);
                enum doctor_severity severity;
                const char *seen;
        } cases[] = {{answer, DOCTOR_WARNING, "seen"},
                     {crash, DOCTOR_PROBLEM, "crashed: Aborted"},
                     {leave, DOCTOR_PROBLEM, "ended the program"},
                     {sleep_long, DOCTOR_PROBLEM, "did not return"}};

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct doctor_check check = {"a check", cases[i].run, true};
                doctor_run(&check, &world, &found);
                assert_int_equal(found.severity, cases[i].severity);
                assert_non_null(strstr(found.seen, cases[i].seen));
                assert_true(found.fix[0]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(other_packages, setup),
                cmocka_unit_test_setup(module_states, setup),
                cmocka_unit_test_setup(secure_boot, setup),
                cmocka_unit_test_setup(module_versions, setup),
                cmocka_unit_test_setup(module_parameters, setup),
                cmocka_unit_test_setup(node, setup),
                cmocka_unit_test_setup(producer, setup),
                cmocka_unit_test_setup(size, setup),
                cmocka_unit_test_setup(colours, setup),
                cmocka_unit_test_setup(pipewire, setup),
                cmocka_unit_test_setup(camera, setup),
                cmocka_unit_test_setup(camera_by_id, setup),
                cmocka_unit_test_setup(camera_users, setup),
                cmocka_unit_test_setup(groups, setup),
                cmocka_unit_test_setup(account, setup),
                cmocka_unit_test_setup(configuration, setup),
                cmocka_unit_test_setup(service, setup),
                cmocka_unit_test_setup(software_driver, setup),
                cmocka_unit_test_setup(daemon_states, setup),
                cmocka_unit_test_setup(model, setup),
                cmocka_unit_test_setup(children, setup),
        };

        return cmocka_run_group_tests_name("doctor", tests, temporary_make, temporary_remove);
}
