/* The checks of "visagectl doctor" about v4l2loopback, the virtual camera and the camera. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/doctor/machine.h"

/* ---- v4l2loopback ---- */

/* Debian's names and commands are only suggested on Debian. */
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
        assert_int_equal(unlink(in_root("/proc/99/fd")), 0); /* it ended during the check: it hides nothing */
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
        expect(doctor_colour, DOCTOR_SKIPPED, "cannot be queried", NULL);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(other_packages),    TEST(module_states), TEST(secure_boot), TEST(module_versions),
                TEST(module_parameters), TEST(node),          TEST(producer),    TEST(size),
                TEST(colours),           TEST(pipewire),      TEST(camera),      TEST(camera_by_id),
                TEST(camera_users),
        };

        return RUN(tests);
}
