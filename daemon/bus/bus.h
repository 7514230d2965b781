/* The daemon on D-Bus: org.visaged1, as systemd/org.visaged1.xml says.  Everything works without a bus; one that comes
 * back is joined again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "daemon/bus/control.h"

struct bus;

/* The bus that started us, else the session's where there is one, else the system's.  -ENOMEM. */
int bus_new(const struct control *control, struct supervisor *supervisor, sd_event *event, struct bus **ret);
void bus_free(struct bus *bus); /* NULL is fine, here and below */

/* Tells what has changed, and answers the calls that waited for it. */
void bus_update(struct bus *bus);

/* Since when the oldest of the threads that calls have begun runs, as stats_now() has it; 0: there is none. */
uint64_t bus_working_since(const struct bus *bus);

/* Clients that want the camera open; and those of them that get a line for each parsed frame. */
unsigned bus_holds(const struct bus *bus);
bool bus_subscribers(const struct bus *bus);
/* Why they want it: of one of them.  "" where nobody holds it. */
const char *bus_hold_reason(const struct bus *bus);
/* A line without its end: `line` has room for `size` bytes, of which `length` are taken.  Does not block. */
void bus_publish(struct bus *bus, char *line, size_t length, size_t size);
