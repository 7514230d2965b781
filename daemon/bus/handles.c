/* Pipes that clients hold: each keeps the camera wanted until its last copy is closed, at the latest when the client
 * ends. */
#define LOG_COMPONENT "bus"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/bus/polkit.h"
#include "daemon/bus/private.h"
#include "daemon/common/log.h"

static void handle_free(struct bus_handle *handle)
{
        struct bus_handle **at = &handle->bus->handles;

        while (*at != handle)
                at = &(*at)->next;
        *at = handle->next;
        sd_bus_slot_unref(handle->asked);
        sd_event_source_disable_unref(handle->gone);
        close(handle->fd);
        free(handle);
}

static void take_back(struct bus_handle *handle)
{
        struct bus *bus = handle->bus;

        handle_free(handle);
        bus->control->update(bus->supervisor);
}

static int on_gone(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        take_back(userdata);
        return 0;
}

static void send_line(struct bus_handle *handle, char line[CONTROL_LINE_MAX], size_t length)
{
        const size_t room = CONTROL_LINE_MAX - length;
        int n = snprintf(line + length, room, ",\"dropped\":%ju}\n", (uintmax_t)handle->dropped);

        if (n < 0 || (size_t)n >= room || write(handle->fd, line, length + (size_t)n) < 0)
                handle->dropped++;
}

static void send_first_line(struct bus_handle *handle)
{
        char line[CONTROL_LINE_MAX];

        send_line(handle, line, handle->bus->control->first_line(line));
}

static int check_limits(const struct bus *bus, uid_t uid, sd_bus_error *error)
{
        unsigned own = 0, all = 0;

        for (const struct bus_handle *h = bus->handles; h; h = h->next) {
                all++;
                own += h->uid == uid;
        }
        if (bus_has_room(bus, uid, own, all, 1))
                return 0;
        return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                 "too many descriptors: each user may have %d, all users together %d; close one first",
                                 USER_MAX, ALL_MAX);
}

int bus_handle_new(struct call *call, const char *why, bool subscribe, sd_bus_error *error)
{
        struct bus *bus = call->bus;
        int ends[2];

        int r = check_limits(bus, call->uid, error);
        if (r < 0)
                return r;
        struct bus_handle *handle = calloc(1, sizeof *handle);
        if (!handle)
                return -ENOMEM;
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
                r = -errno;
                free(handle);
                return r;
        }
        /* The client's end is blocking, as readers of lines expect. */
        fcntl(ends[0], F_SETFL, 0);
        *handle = (struct bus_handle){
                .fd = ends[1], .subscribed = subscribe, .uid = call->uid, .bus = bus, .next = bus->handles};
        if (!bus_is_trusted(bus, call->uid))
                handle->action = call->method->action;
        snprintf(handle->sender, sizeof handle->sender, "%s", sd_bus_message_get_sender(call->message));
        snprintf(handle->why, sizeof handle->why, "%s", why);
        bus->handles = handle;
        /* EPOLLERR, which is always reported: nobody has the other end any more. */
        r = sd_event_add_io(bus->event, &handle->gone, handle->fd, 0, on_gone, handle);
        if (r < 0) {
                handle_free(handle);
                close(ends[0]);
                return r;
        }
        if (subscribe)
                send_first_line(handle);
        call->fd = ends[0];
        return 0;
}

static bool told_already(const struct bus *bus, const struct bus_handle *handle)
{
        for (const struct bus_handle *h = bus->handles; h != handle; h = h->next)
                if (h->subscribed && strcmp(h->sender, handle->sender) == 0)
                        return true;
        return false;
}

void bus_handles_tell(const struct bus *bus, sd_bus_message *signal)
{
        for (const struct bus_handle *h = bus->handles; h; h = h->next)
                if (h->subscribed && !told_already(bus, h))
                        sd_bus_send_to(bus->connection, signal, h->sender, NULL);
}

/* If polkit cannot answer, the permission counts as withdrawn. */
static int on_reviewed(sd_bus_message *reply, void *userdata, sd_bus_error *ignored)
{
        struct bus_handle *handle = userdata;
        struct polkit_answer answer = {0};

        handle->asked = sd_bus_slot_unref(handle->asked);
        if (polkit_read(reply, &answer) == 0 && answer.allowed)
                return 0;
        log_notice("user %u may no longer hold the camera", (unsigned)handle->uid);
        take_back(handle);
        return 0;
}

void bus_handles_review(struct bus *bus)
{
        for (struct bus_handle *h = bus->handles; h; h = h->next) {
                if (!h->action)
                        continue;
                h->asked = sd_bus_slot_unref(h->asked);
                int r = polkit_ask(bus->connection, &h->asked, h->sender, h->action, false, on_reviewed, h);
                if (r < 0)
                        log_warning("polkit cannot be asked: %s", strerror(-r));
        }
}

void bus_handles_end(struct bus *bus)
{
        for (struct bus_handle *h = bus->handles; h; h = h->next)
                h->asked = sd_bus_slot_unref(h->asked);
}

void bus_handles_free(struct bus *bus)
{
        while (bus->handles)
                handle_free(bus->handles);
}

unsigned bus_holds(const struct bus *bus)
{
        unsigned n = 0;

        for (const struct bus_handle *h = bus ? bus->handles : NULL; h; h = h->next)
                n++;
        return n;
}

const char *bus_hold_reason(const struct bus *bus)
{
        return bus && bus->handles ? bus->handles->why : "";
}

bool bus_subscribers(const struct bus *bus)
{
        for (const struct bus_handle *h = bus ? bus->handles : NULL; h; h = h->next)
                if (h->subscribed)
                        return true;
        return false;
}

void bus_publish(struct bus *bus, char line[CONTROL_LINE_MAX], size_t length)
{
        for (struct bus_handle *h = bus->handles; h; h = h->next)
                if (h->subscribed)
                        send_line(h, line, length);
}
