/* The stable names of cameras. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define BY_ID "/dev/v4l/by-id"

/* The name in BY_ID of the node that is this device, the first of several; "" where it has none. */
void by_id_find(dev_t device, char *ret, size_t size);
