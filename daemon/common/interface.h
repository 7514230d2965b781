/* What the daemon and its clients have to agree on: its names on the bus, its states and its counters. */
#pragma once

#define INTERFACE_NAME "org.visaged1"
#define INTERFACE_PATH "/org/visaged1"
#define INTERFACE_MANAGER "org.visaged1.Manager"
#define INTERFACE_ERROR "org.visaged1.Error."

enum state {
        STATE_STARTING,
        STATE_IDLE,
        STATE_STREAMING,
        STATE_WAITING,
        STATE_PAUSED,
        STATE_STOPPED,
        STATES,
};

extern const char *const state_names[STATES]; /* "starting" */

enum counter {
        COUNTER_CAPTURED,
        COUNTER_PARSED,
        COUNTER_SHOWN,
        COUNTER_REPEATED,
        COUNTER_PLACEHOLDER,
        COUNTER_STALE,
        COUNTER_CORRUPT,
        COUNTER_LOST,
        COUNTER_REFUSED,
        COUNTER_REOPENED,
        COUNTERS,
};

extern const char *const counter_names[COUNTERS]; /* "captured" */
