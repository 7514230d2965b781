/* A client of the bus interface org.visaged1.Manager (systemd/org.visaged1.xml). */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

enum client_bus {
        CLIENT_EITHER, /* the session bus if visaged is on it now, else the system bus */
        CLIENT_USER,
        CLIENT_SYSTEM,
};

struct client {
        sd_bus *bus;
        bool user;     /* on a session bus */
        bool activate; /* a call may start the daemon */
};

/* On failure, every function puts one line for the user into `why`, with what to do about it.  Messages of the daemon
 * itself are passed on unchanged. */

/* -ENOENT, -ECONNREFUSED, ...: no such bus. */
int client_open(enum client_bus which, bool activate, struct client *ret, char *why, size_t why_size);
void client_close(struct client *client); /* a zeroed one is fine */

/* A new call of a method of the interface, to which arguments can be appended; NULL: out of memory. */
sd_bus_message *client_message(struct client *client, const char *method);

/* Sends it and waits, long enough for a password to be typed or a GPU's programs to be compiled.  Takes ownership of
 * `message`, which may be NULL.  The caller must unref *ret_reply (may be NULL). */
int client_send(struct client *client, sd_bus_message *message, sd_bus_message **ret_reply, char *why, size_t why_size);

/* Both together, for a method without arguments (`argument` is NULL) or with one string. */
int client_call(struct client *client, const char *method, const char *argument, sd_bus_message **ret_reply, char *why,
                size_t why_size);

/* The same for a method that returns a file descriptor, which the caller must close. */
int client_call_fd(struct client *client, const char *method, const char *argument, int *ret, char *why,
                   size_t why_size);

/* All properties as a new JSON object, with names such as "virtual_camera". */
int client_properties(struct client *client, json_t **ret, char *why, size_t why_size);

/* The result of a List...() method as a new JSON array. */
int client_list(struct client *client, const char *method, json_t **ret, char *why, size_t why_size);

/* "" if there is no such text. */
const char *client_text(const json_t *properties, const char *name);
