/* A machine in a temporary folder for the doctor to look at: small trees of /sys, /proc, /dev and /etc.  Nodes are
 * links to /dev/null, and machine.c answers for their driver (ioctl() is wrapped by the linker). */
#pragma once

#include <linux/videodev2.h>

#include "daemon/doctor/world.h"
#include "tests/cm.h"

#define KERNEL "6.1.0-18-amd64"
#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

extern char root[100];
extern struct config config;
extern struct doctor_world world;
extern struct doctor_finding found; /* by the last expect() */

extern struct machine_driver {
        uint32_t caps;
        struct v4l2_pix_format pix;
        int error; /* every call fails with this */
} fake;

/* An empty machine for each test, in a folder for all of them. */
int machine_setup(void **state);
int machines_make(void **state);
int machines_remove(void **state);
#define TEST(f) cmocka_unit_test_setup(f, machine_setup)
#define RUN(tests) cmocka_run_group_tests_name("doctor", tests, machines_make, machines_remove)

/* Files, by their paths on the machine. */
const char *in_root(const char *path);
void put_bytes(const char *path, const void *data, size_t size);
void put(const char *path, const char *text);
void put_link(const char *path, const char *target);

void put_node(const char *name, const char *label, bool loopback, const char *format);
void put_process(const char *pid, const char *name, const char *opened);
void put_module(const char *caps, const char *buffers,
                const char *version); /* v4l2loopback, loaded; version may be NULL */

/* What depmod writes for a single module: a header, then a tree of names with one node, which has a prefix and a value.
 */
void put_index(const char *module, const char *line);

/* A check says so; `fix` NULL: there is nothing to fix. */
void expect(void (*run)(const struct doctor_world *, struct doctor_finding *), enum doctor_severity severity,
            const char *seen, const char *fix);
