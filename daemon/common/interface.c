#include "daemon/common/interface.h"

const char *const state_names[STATES] = {
        [STATE_STARTING] = "starting", [STATE_IDLE] = "idle",     [STATE_STREAMING] = "streaming",
        [STATE_WAITING] = "waiting",   [STATE_PAUSED] = "paused", [STATE_STOPPED] = "stopped",
};

const char *const counter_names[COUNTERS] = {
        [COUNTER_CAPTURED] = "captured",
        [COUNTER_PARSED] = "parsed",
        [COUNTER_SHOWN] = "shown",
        [COUNTER_REPEATED] = "repeated",
        [COUNTER_PLACEHOLDER] = "placeholder",
        [COUNTER_STALE] = "stale",
        [COUNTER_CORRUPT] = "corrupt",
        [COUNTER_LOST] = "lost",
        [COUNTER_REFUSED] = "refused",
        [COUNTER_REOPENED] = "reopened",
};
