/* v4l2loopback, the kernel module: whether it is installed, its version, and its parameters. */
#include <fcntl.h>
#include <glob.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/doctor/world.h"

#define MODULE "/sys/module/v4l2loopback"

static bool is_loaded(const struct doctor_world *world)
{
        return doctor_exists(world, MODULE);
}

/* N of "/dev/videoN". */
static unsigned node_number(const struct doctor_world *world)
{
        unsigned n = 10;

        sscanf(world->node, "/dev/video%u", &n);
        return n;
}

/* It cannot be unloaded while visaged or a reader has one of its nodes open. */
static void fix_by_reload(const struct doctor_world *world, struct doctor_finding *ret)
{
        const char *user = world->user_bus ? "--user " : "";

        doctor_fix(ret,
                   "close the programs that use it, then: systemctl %sstop visaged && modprobe -r v4l2loopback && "
                   "modprobe v4l2loopback exclusive_caps=1 max_buffers=4 video_nr=%u card_label=visaged; systemctl "
                   "%sstart visaged  # for good: \"options v4l2loopback exclusive_caps=1 ...\" in "
                   "/etc/modprobe.d/visaged.conf",
                   user, node_number(world), user);
}

static bool skip(const struct doctor_world *world, struct doctor_finding *ret)
{
        if (!world->node[0])
                doctor_say(ret, DOCTOR_SKIPPED, "the virtual camera is a file: %s", world->config->virtual_camera[0]);
        else if (!is_loaded(world))
                doctor_say(ret, DOCTOR_SKIPPED, "the module is not loaded");
        return ret->seen[0];
}

/* ---- is it there? ---- */

/* The module's file for the running kernel, as modprobe would find it. */
static bool find_file(const struct doctor_world *world, char *ret, size_t size)
{
        static const char *const no_configuration[] = {NULL};
        char folder[PATH_MAX];
        struct kmod_module *module = NULL;
        const char *path = NULL;
        struct kmod_ctx *kmod =
                kmod_new(doctor_path(world, folder, "/lib/modules/%s", world->kernel), no_configuration);

        if (kmod && kmod_module_new_from_name(kmod, "v4l2loopback", &module) == 0)
                path = kmod_module_get_path(module);
        snprintf(ret, size, "%s", path ? path : "");
        kmod_module_unref(module);
        kmod_unref(kmod);
        return ret[0];
}

/* Whether Secure Boot is on, from the firmware's variable: four bytes of attributes, then one of value. */
static bool is_secure(const struct doctor_world *world)
{
        char path[PATH_MAX], bytes[5] = {0};
        _cleanup_(closep) int fd = open(
                doctor_path(world, path, "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"),
                O_RDONLY | O_CLOEXEC);

        return fd >= 0 && read(fd, bytes, sizeof bytes) == sizeof bytes && bytes[4] == 1;
}

/* A signed module ends with a marker, which cannot be seen in a compressed file. */
static bool is_unsigned(const char *file)
{
        static const char mark[] = "~Module signature appended~\n";
        char end[sizeof mark - 1];
        size_t n = strlen(file);
        _cleanup_(closep) int fd = open(file, O_RDONLY | O_CLOEXEC);

        if (n < 3 || strcmp(file + n - 3, ".ko") != 0 || fd < 0)
                return false;
        return lseek(fd, -(off_t)sizeof end, SEEK_END) < 0 || read(fd, end, sizeof end) != sizeof end ||
               memcmp(end, mark, sizeof end) != 0;
}

static bool has_dkms_source(const struct doctor_world *world)
{
        char pattern[PATH_MAX];
        glob_t found;

        bool is = glob(doctor_path(world, pattern, "/usr/src/v4l2loopback-*/dkms.conf"), 0, NULL, &found) == 0;
        globfree(&found);
        return is;
}

static void not_loaded(const struct doctor_world *world, const char *file, struct doctor_finding *ret)
{
        bool is_not_signed = is_unsigned(file);

        if (!is_secure(world)) {
                doctor_say(ret, DOCTOR_PROBLEM, "installed, but not loaded");
                doctor_fix(ret, "modprobe v4l2loopback exclusive_caps=1 max_buffers=4 video_nr=%u card_label=visaged",
                           node_number(world));
                return;
        }
        doctor_say(ret, DOCTOR_PROBLEM, "installed, but not loaded; Secure Boot is on%s",
                   is_not_signed ? ", and the module is not signed"
                                 : " and refuses a module whose key it does not know");
        if (is_not_signed)
                doctor_fix(ret, "sign it and let the firmware know the key: dkms install --force v4l2loopback/VERSION, "
                                "mokutil --import /var/lib/dkms/mok.pub, reboot and enrol it");
        else
                doctor_fix(ret, "modprobe v4l2loopback; on \"Key was rejected by service\": "
                                "mokutil --import /var/lib/dkms/mok.pub, reboot and enrol it");
}

/* The headers to build the module with, and the module itself if `module` is set. */
static void fix_by_install(const struct doctor_world *world, bool module, struct doctor_finding *ret)
{
        char packages[200], what[200];

        snprintf(packages, sizeof packages, "%slinux-headers-%s%s", module ? "v4l2loopback-dkms " : "", world->kernel,
                 module ? "" : ", then dkms autoinstall");
        snprintf(what, sizeof what, "%sthe headers of the kernel %s%s",
                 module ? "v4l2loopback (as DKMS source) and " : "", world->kernel,
                 module ? "" : ", then: dkms autoinstall");
        doctor_fix_install(world, ret, packages, what);
}

void doctor_module(const struct doctor_world *world, struct doctor_finding *ret)
{
        char file[PATH_MAX];

        if (!world->node[0]) {
                skip(world, ret);
        } else if (is_loaded(world)) {
                doctor_say(ret, DOCTOR_OK, "loaded");
        } else if (find_file(world, file, sizeof file)) {
                not_loaded(world, file, ret);
        } else if (has_dkms_source(world)) {
                doctor_say(ret, DOCTOR_PROBLEM, "its source is installed, but not built for this kernel, %s",
                           world->kernel);
                fix_by_install(world, false, ret);
        } else {
                doctor_say(ret, DOCTOR_PROBLEM, "not installed");
                fix_by_install(world, true, ret);
        }
}

/* ---- which one? ---- */

/* The differences between versions; the first one that is not newer applies. */
static const struct {
        unsigned minor, patch;
        enum doctor_severity severity;
        const char *ways;
} versions[] = {
        {13, 0, DOCTOR_OK, "only one program at a time can read the virtual camera; others need nodes of their own"},
        {12, 5, DOCTOR_OK, "several programs can read the virtual camera"},
        {0, 0, DOCTOR_WARNING, "older than any version that visaged was tested with"},
};

void doctor_version(const struct doctor_world *world, struct doctor_finding *ret)
{
        unsigned major = 0, minor = 0, patch = 0;
        char version[64];
        size_t i = 0;

        if (skip(world, ret))
                return;
        if (!doctor_read(world, version, sizeof version, MODULE "/version") ||
            sscanf(version, "%u.%u.%u", &major, &minor, &patch) < 2) {
                doctor_say(ret, DOCTOR_OK, "not reported by the module, as with 0.12 and older");
                return;
        }
        while (major == 0 && (minor < versions[i].minor || (minor == versions[i].minor && patch < versions[i].patch)))
                i++;
        doctor_say(ret, versions[i].severity, "%s: %s", version, versions[i].ways);
        if (versions[i].severity != DOCTOR_OK)
                doctor_fix(ret, "install 0.12.7 or newer");
}

/* ---- loaded how? ---- */

/* The node's value of a parameter that is a list with one value per node, in the order of video_nr.  If the node is not
 * in the list (it was added later), the first value. */
static void read_listed(const struct doctor_world *world, const char *name, char *ret, size_t size)
{
        char numbers[256], values[256], *number = numbers, *value = values, *word, *at;
        unsigned wanted = node_number(world);

        doctor_read(world, numbers, sizeof numbers, MODULE "/parameters/video_nr");
        doctor_read(world, values, sizeof values, MODULE "/parameters/%s", name);
        snprintf(ret, size, "%.*s", (int)strcspn(values, ","), values);
        while ((word = strsep(&number, ",")) && (at = strsep(&value, ",")))
                if (strcmp(word, "-1") != 0 && strtoul(word, NULL, 10) == wanted)
                        snprintf(ret, size, "%s", at);
}

void doctor_exclusive_caps(const struct doctor_world *world, struct doctor_finding *ret)
{
        char value[32];

        if (skip(world, ret))
                return;
        read_listed(world, "exclusive_caps", value, sizeof value);
        if (!value[0]) {
                doctor_say(ret, DOCTOR_SKIPPED, "cannot be read");
        } else if (value[0] == 'Y' || value[0] == '1') {
                doctor_say(ret, DOCTOR_OK, "1");
        } else {
                doctor_say(ret, DOCTOR_PROBLEM, "0: browsers and PipeWire do not see the virtual camera");
                fix_by_reload(world, ret);
        }
}

void doctor_max_buffers(const struct doctor_world *world, struct doctor_finding *ret)
{
        char value[32];

        if (skip(world, ret))
                return;
        if (!doctor_read(world, value, sizeof value, MODULE "/parameters/max_buffers")) {
                doctor_say(ret, DOCTOR_SKIPPED, "cannot be read");
        } else if (strtoul(value, NULL, 10) >= 4) {
                doctor_say(ret, DOCTOR_OK, "%s", value);
        } else {
                doctor_say(ret, DOCTOR_WARNING, "%s: browsers and PipeWire request 4, and may stutter", value);
                fix_by_reload(world, ret);
        }
}
