/* A client of the bus interface org.visaged1.Manager (systemd/org.visaged1.xml). */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

enum client_bus {
        CLIENT_EITHER, /* the session bus where visaged is on it now, else the system bus */
        CLIENT_USER,
        CLIENT_SYSTEM,
};

struct client {
        sd_bus *bus;
        bool user;     /* on a session bus */
        bool activate; /* a call may start the daemon */
};

/* Every function tells in `why` one line for a person, with what to do about it; what the daemon itself says comes as
 * it is. */

/* -ENOENT, -ECONNREFUSED, ...: no such bus. */
int client_open(enum client_bus which, bool activate, struct client *ret, char *why, size_t why_size);
void client_close(struct client *client); /* of a zeroed one is fine */

/* A call of the interface's method, for its arguments to be appended; NULL when out of memory. */
sd_bus_message *client_message(struct client *client, const char *method);

/* Sends it and waits: long enough for a password to be typed, or a GPU's programs to be compiled.  Takes `message`
 * over, NULL included.  *ret_reply (may be NULL) is the caller's to unref. */
int client_send(struct client *client, sd_bus_message *message, sd_bus_message **ret_reply, char *why, size_t why_size);

/* The two together, for a method that takes nothing (`argument` NULL) or one string. */
int client_call(struct client *client, const char *method, const char *argument, sd_bus_message **ret_reply, char *why,
                size_t why_size);

/* The same, of a method that returns a file descriptor, which is the caller's. */
int client_call_fd(struct client *client, const char *method, const char *argument, int *ret, char *why,
                   size_t why_size);

/* All properties as a new JSON object, their names as "virtual_camera". */
int client_properties(struct client *client, json_t **ret, char *why, size_t why_size);

/* What a List...() method returns, as a new JSON array. */
int client_list(struct client *client, const char *method, json_t **ret, char *why, size_t why_size);

/* "" where there is no such text. */
const char *client_text(const json_t *properties, const char *name);
