/* Private to bus/: the newest frame as the virtual camera shows it, as a PNG in a sealed memory file. */
#pragma once

#include "daemon/bus/private.h"

int bus_take_snapshot(struct call *call, sd_bus_error *error);
void bus_write_snapshot(struct call *call); /* on a thread */
