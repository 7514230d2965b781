#include <errno.h>
#include <stdint.h>

#include "daemon/bus/polkit.h"

#define NAME "org.freedesktop.PolicyKit1"
#define PATH "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define TIMEOUT_USEC 120000000 /* somebody may be typing a password */

int polkit_ask(sd_bus *connection, sd_bus_slot **slot, const char *client, const char *action, bool interactive,
               sd_bus_message_handler_t handler, void *userdata)
{
        sd_bus_message *question = NULL;

        int r = sd_bus_message_new_method_call(connection, &question, NAME, PATH, INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(question, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", client,
                                          action, 0, (uint32_t)interactive, "");
        if (r >= 0)
                r = sd_bus_call_async(connection, slot, question, handler, userdata, TIMEOUT_USEC);
        sd_bus_message_unref(question);
        return r;
}

int polkit_read(sd_bus_message *reply, struct polkit_answer *ret)
{
        int allowed = 0, challenge = 0, r = 0;

        if (sd_bus_message_is_method_error(reply, NULL) > 0)
                return -sd_bus_message_get_errno(reply);
        if ((r = sd_bus_message_enter_container(reply, 'r', "bba{ss}")) < 0 ||
            (r = sd_bus_message_read(reply, "bb", &allowed, &challenge)) < 0)
                return r;
        *ret = (struct polkit_answer){allowed, challenge};
        return 0;
}

/* No need to watch logind as well: rights may depend on whether a session is active, so polkit watches the sessions
 * itself, and sends this signal when another user comes to the foreground, as it does when rules change. */
int polkit_watch(sd_bus *connection, sd_bus_message_handler_t handler, void *userdata)
{
        return sd_bus_match_signal_async(connection, NULL, NAME, PATH, INTERFACE, "Changed", handler, NULL, userdata);
}
