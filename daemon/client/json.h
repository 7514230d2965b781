/* A value on the bus as JSON. */
#pragma once

#include <jansson.h>
#include <systemd/sd-bus.h>

/* Reads the next value of `message`.  A dictionary with strings as keys becomes an object, other arrays and structures
 * become arrays, and a variant becomes its content.  What JSON cannot express (descriptors, infinity) becomes null.
 * *ret is new. -EBADMSG: there is none. */
int bus_json(sd_bus_message *message, json_t **ret);
