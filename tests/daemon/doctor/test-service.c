/* The checks of "visagectl doctor" about rights, the configuration, the service, GPUs and models. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/doctor/machine.h"

/* ---- permissions ---- */

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
        assert_int_equal(chmod(in_root("/dev/video10"), 0666), 0); /* as for the user who sits at the machine */
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
        expect(doctor_service, DOCTOR_SKIPPED, "cannot be queried", NULL);
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

/* ---- checks that do not return ---- */

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
                TEST(groups),          TEST(account),       TEST(configuration), TEST(service),
                TEST(software_driver), TEST(daemon_states), TEST(model),         TEST(children),
        };

        return RUN(tests);
}
