#define LOG_COMPONENT "bus"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/polkit.h"
#include "daemon/bus/private.h"
#include "daemon/common/log.h"

#define RETRY_USEC 1000000
#define NAME_IS_OURS 1 /* D-Bus specification, RequestName: DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER */

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error);

static void disconnect(struct bus *bus)
{
        if (!bus->connection)
                return;
        bus_calls_end(bus);
        bus_handles_end(bus);
        sd_bus_detach_event(bus->connection);
        bus->connection = sd_bus_close_unref(bus->connection);
}

static void wait_for_bus(struct bus *bus, int error)
{
        if (!bus->said)
                log_info("cannot be controlled over D-Bus: %s",
                         error == -EEXIST ? "another visaged is running" : strerror(-error));
        bus->said = true;
        sd_event_source_set_time_relative(bus->retry, RETRY_USEC);
        sd_event_source_set_enabled(bus->retry, SD_EVENT_ONESHOT);
}

/* Asynchronous: a slow bus must not delay the frames. */
static int on_named(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct bus *bus = userdata;
        uint32_t answer = 0;

        int r = -sd_bus_message_get_errno(reply);
        if (r == 0)
                r = sd_bus_message_read(reply, "u", &answer);
        if (r >= 0 && answer != NAME_IS_OURS)
                r = -EEXIST;
        if (r < 0) {
                wait_for_bus(bus, r);
                return 0;
        }
        if (bus->said)
                log_info("on the bus again");
        bus->said = false;
        bus_look(bus, &bus->view);
        return 0;
}

/* The bus that started us.  Otherwise the session's: a user who runs visaged by hand has one, and visagectl looks there
 * first; a service of the system has none.  Otherwise the default bus of sd_bus_open(3), or the system's. */
static int open_connection(sd_bus **ret)
{
        static typeof(sd_bus_open_with_description) *const ways[] = {
                sd_bus_open_user_with_description, sd_bus_open_with_description, sd_bus_open_system_with_description};
        int r = -ENOENT;

        if (getenv("DBUS_STARTER_ADDRESS") || getenv("DBUS_STARTER_BUS_TYPE"))
                return sd_bus_open_with_description(ret, "visaged");
        for (size_t i = 0; i < sizeof ways / sizeof ways[0] && r < 0; i++)
                r = ways[i](ret, "visaged");
        return r;
}

static int on_rights(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        bus_handles_review(userdata);
        return 0;
}

static int connect_to(struct bus *bus)
{
        int r;

        if ((r = open_connection(&bus->connection)) < 0 ||
            (r = sd_bus_add_object_vtable(bus->connection, NULL, INTERFACE_PATH, INTERFACE_MANAGER, bus_vtable, bus)) <
                    0 ||
            (r = sd_bus_add_filter(bus->connection, NULL, bus_on_message, bus)) < 0 ||
            (r = sd_bus_match_signal_async(bus->connection, NULL, "org.freedesktop.DBus.Local", NULL,
                                           "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL, bus)) <
                    0 ||
            (r = polkit_watch(bus->connection, on_rights, bus)) < 0 ||
            (r = sd_bus_request_name_async(bus->connection, NULL, INTERFACE_NAME, 0, on_named, bus)) < 0 ||
            (r = sd_bus_attach_event(bus->connection, bus->event, SD_EVENT_PRIORITY_NORMAL)) < 0) {
                sd_bus_close_unref(bus->connection);
                bus->connection = NULL;
        }
        return r;
}

static void connect_or_wait(struct bus *bus)
{
        disconnect(bus);
        int r = connect_to(bus);
        if (r < 0)
                wait_for_bus(bus, r);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        connect_or_wait(userdata);
        return 0;
}

/* Not closed here, because this is its own callback. */
static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct bus *bus = userdata;

        bus->said = true;
        log_info("the bus is gone; waiting for it");
        sd_event_source_set_time_relative(bus->retry, 0);
        sd_event_source_set_enabled(bus->retry, SD_EVENT_ONESHOT);
        return 0;
}

int bus_new(const struct control *control, struct supervisor *supervisor, sd_event *event, struct bus **ret)
{
        struct bus *bus = calloc(1, sizeof *bus);
        if (!bus)
                return -ENOMEM;
        bus->control = control;
        bus->supervisor = supervisor;
        bus->event = event;
        int r = sd_event_add_time(event, &bus->retry, CLOCK_MONOTONIC, 0, 1000, on_retry, bus);
        if (r >= 0)
                r = bus_faces_prepare(bus);
        if (r < 0) {
                bus_free(bus);
                return r;
        }
        sd_event_source_set_enabled(bus->retry, SD_EVENT_OFF);
        connect_or_wait(bus);
        *ret = bus;
        return 0;
}

void bus_free(struct bus *bus)
{
        if (!bus)
                return;
        if (bus->connection)
                sd_bus_flush(bus->connection);
        disconnect(bus);
        bus_calls_free(bus);
        bus_handles_free(bus);
        sd_event_source_disable_unref(bus->told.timer);
        sd_event_source_unref(bus->retry);
        free(bus);
}

void bus_update(struct bus *bus)
{
        if (!bus || !bus->connection)
                return;
        bus_update_faces(bus);
        bus_emit(bus);
        bus_calls_update(bus);
}
