/* The checks of "visagectl doctor", as a table.  Each checks for one common problem. */
#pragma once

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "daemon/common/config.h"

enum doctor_severity {
        DOCTOR_OK,
        DOCTOR_SKIPPED, /* it cannot be checked, or does not apply; `seen` says why */
        DOCTOR_WARNING,
        DOCTOR_PROBLEM, /* visaged cannot work */
};

extern const char *const doctor_severity_names[]; /* "ok" */

struct doctor_finding {
        enum doctor_severity severity;
        char seen[600];
        char fix[600]; /* "": nothing to do */
};

/* The unit visaged.service according to the service manager; all empty if that cannot be queried. */
struct doctor_unit {
        char load[32], active[32], sub[32], file[32], result[32]; /* LoadState, ActiveState, ... */
        bool no_code; /* MemoryDenyWriteExecute=: forbids a driver that computes on the CPU */
        bool no_home; /* ProtectHome=: hides /home and /root, and with PrivateTmp=, which is set too, also /tmp */
};

/* The input of the checks. */
struct doctor_world {
        const char *root;   /* a prefix for /sys, /proc, /dev, /lib and /etc; "" */
        const char *kernel; /* its release, "6.1.0-18-amd64" */
        const struct config *config;
        char config_file[PATH_MAX]; /* "": there is none */
        char mistake[700];          /* the first one in it or its drop-ins, or "" */
        /* Of the virtual cameras, with links resolved; unused ones, at the end, are "".  Files have none. */
        char nodes[CONFIG_OUTPUTS_MAX][PATH_MAX];
        const char *node;      /* the one to be checked; "": there are only files */
        char camera[PATH_MAX]; /* the same for the camera; "": there is none */
        const char *user;      /* who runs the doctor */
        uid_t uid;
        gid_t groups[64]; /* of the process */
        int groups_n;
        const json_t *daemon;       /* its properties; NULL: it could not be queried */
        const char *daemon_missing; /* the reason for that */
        bool no_bus;                /* there is no bus on which to query it */
        bool user_bus;              /* it is the session's visaged */
        struct doctor_unit unit;
};

struct doctor_check {
        const char *name;
        void (*run)(const struct doctor_world *world, struct doctor_finding *ret);
        bool child; /* runs foreign code that may crash or hang, so it needs a process of its own */
        bool each;  /* it looks at a node of the virtual camera, and is run for each of them */
};

extern const struct doctor_check doctor_checks[]; /* terminated by one without a name */

/* Sets `nodes`, the first as `node`, and `camera` from the configuration and the contents of /dev. */
void doctor_find_nodes(struct doctor_world *world);

/* Runs a check, in a child process if it needs one. */
void doctor_run(const struct doctor_check *check, const struct doctor_world *world, struct doctor_finding *ret);

/* The checks, by file. */
void doctor_module(const struct doctor_world *world, struct doctor_finding *ret); /* module.c */
void doctor_version(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_exclusive_caps(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_max_buffers(const struct doctor_world *world, struct doctor_finding *ret);

void doctor_node(const struct doctor_world *world, struct doctor_finding *ret); /* node.c */
void doctor_producer(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_colour(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_size(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_pipewire(const struct doctor_world *world, struct doctor_finding *ret);

void doctor_camera(const struct doctor_world *world, struct doctor_finding *ret); /* camera.c */
void doctor_camera_users(const struct doctor_world *world, struct doctor_finding *ret);

void doctor_groups(const struct doctor_world *world, struct doctor_finding *ret); /* service.c */
void doctor_account(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_configuration(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_service(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_daemon(const struct doctor_world *world, struct doctor_finding *ret);

void doctor_gpu(const struct doctor_world *world, struct doctor_finding *ret); /* gpu.c */
void doctor_self_test(const struct doctor_world *world, struct doctor_finding *ret);
void doctor_model(const struct doctor_world *world, struct doctor_finding *ret);
