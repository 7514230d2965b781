/* A value on the bus as JSON. */
#pragma once

#include <jansson.h>
#include <systemd/sd-bus.h>

/* Reads the next value of `message`: a dictionary with strings as keys becomes an object, other arrays and structures
 * arrays; a variant is what is in it; what JSON has no word for (descriptors, infinity) null.  *ret is new.
 * -EBADMSG: there is none. */
int bus_json(sd_bus_message *message, json_t **ret);
