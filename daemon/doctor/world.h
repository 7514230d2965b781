/* Shared by the doctor's checks: reporting findings, and looking at files below the world's root. */
#pragma once

#include "daemon/doctor/doctor.h"

void doctor_say(struct doctor_finding *ret, enum doctor_severity severity, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void doctor_fix(struct doctor_finding *ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The fix is to install something: names Debian's packages on Debian, and otherwise describes it. */
void doctor_fix_install(const struct doctor_world *world, struct doctor_finding *ret, const char *packages,
                        const char *what);

/* The path below the root of the world.  `ret` has PATH_MAX bytes and is returned. */
const char *doctor_path(const struct doctor_world *world, char *ret, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
bool doctor_exists(const struct doctor_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first line of a small file, without its end.  False: there is none, and `ret` is "". */
bool doctor_read(const struct doctor_world *world, char *ret, size_t size, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* Whether this process may read and write the file. */
bool doctor_may(const struct doctor_world *world, const char *path);

/* Resolves a link in /dev (such as by-id) to "/dev/videoN"; other paths are unchanged. */
void doctor_resolve(const struct doctor_world *world, const char *path, char *ret, size_t size);

/* The video nodes of the machine, "video0", in the order of their numbers. */
#define DOCTOR_NODES_MAX 64
struct doctor_nodes {
        unsigned count;
        char name[DOCTOR_NODES_MAX][32];
};
void doctor_nodes(const struct doctor_world *world, struct doctor_nodes *ret);

/* Whether a node ("video10") is v4l2loopback's, according to /sys: querying the node itself can break a producer. */
bool doctor_is_loopback(const struct doctor_world *world, const char *name);

/* Processes that have a node open. */
struct doctor_openers {
        unsigned count; /* without visaged */
        bool visaged;   /* it is one of them */
        bool hidden;    /* there are processes that we may not inspect */
        char text[300]; /* "zoom (1234), ffmpeg (77)" */
};
void doctor_openers(const struct doctor_world *world, const char *node, struct doctor_openers *ret);

/* Whether /etc/group has such a group; if so, also its number and whether `user` is a member. */
bool doctor_group(const struct doctor_world *world, const char *group, const char *user, gid_t *ret_gid,
                  bool *ret_member);
