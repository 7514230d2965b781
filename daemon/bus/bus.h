/* The daemon on D-Bus: org.visaged1, as described in systemd/org.visaged1.xml.  Everything works without a bus, and
 * when a bus comes back, the daemon connects to it again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "daemon/bus/control.h"

struct bus;

/* Uses the bus that started us, else the session bus if there is one, else the system bus.  -ENOMEM. */
int bus_new(const struct control *control, struct supervisor *supervisor, sd_event *event, struct bus **ret);
void bus_free(struct bus *bus); /* NULL is fine, here and below, except for bus_publish() */

/* Announces what has changed, and answers the calls that waited for it. */
void bus_update(struct bus *bus);

/* The same for faces, after each parse: subscribers are told at most ten times a second, and always of the last state.
 */
void bus_update_faces(struct bus *bus);

/* Since when the oldest thread that a call has started has been running, as in stats_now(); 0: there is none. */
uint64_t bus_working_since(const struct bus *bus);

/* How many clients want the camera open; and whether any of them gets a line for each parsed frame. */
unsigned bus_holds(const struct bus *bus);
bool bus_subscribers(const struct bus *bus);
/* The reason of one of them; "" if nobody holds the camera. */
const char *bus_hold_reason(const struct bus *bus);
/* Sends a line, of which `length` bytes are given: without its last brace.  Does not block. */
void bus_publish(struct bus *bus, char line[CONTROL_LINE_MAX], size_t length);
