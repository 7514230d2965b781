/* Asking polkit what a client may do. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

struct polkit_answer {
        bool allowed, challenge; /* `challenge`: it would be allowed after a password */
};

/* Asks without waiting.  `interactive`: polkit may ask somebody for a password. */
int polkit_ask(sd_bus *connection, sd_bus_slot **slot, const char *client, const char *action, bool interactive,
               sd_bus_message_handler_t handler, void *userdata);

/* Reads the reply that the handler got.  Negative errno: polkit is not there, or knows no such client. */
int polkit_read(sd_bus_message *reply, struct polkit_answer *ret);

/* Calls the handler whenever permissions may have changed: with the rules, or with the session in the foreground. */
int polkit_watch(sd_bus *connection, sd_bus_message_handler_t handler, void *userdata);
