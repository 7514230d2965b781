/* A call's way: arguments, would it change anything, may the caller, do it, wait for it, answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/bus/private.h"
#include "daemon/common/text.h"

#define DRIVER "org.freedesktop.DBus" /* the bus itself */
#define POLKIT "org.freedesktop.PolicyKit1"
#define POLKIT_TIMEOUT_USEC 120000000 /* somebody may be typing a password */

const struct method *bus_method(const char *name)
{
        const struct method *method = bus_methods;

        while (method->name && strcmp(method->name, name) != 0)
                method++;
        return method->name ? method : NULL;
}

static void call_free(struct call *call)
{
        struct call **at = &call->bus->calls;

        while (*at && *at != call)
                at = &(*at)->next;
        if (*at)
                *at = call->next;
        sd_event_source_disable_unref(call->worked);
        task_finish(&call->task);
        sd_bus_slot_unref(call->asked);
        sd_bus_message_unref(call->message);
        if (call->fd >= 0)
                close(call->fd);
        free(call->data);
        free(call);
}

/* ---- the answer ---- */

/* Text that is not UTF-8 is not sent, and then there is no answer at all: a name may be any file's, or be cut anywhere.
 */
static void clean(sd_bus_error *error)
{
        sd_bus_error good = SD_BUS_ERROR_NULL;
        char text[1024];

        if (!sd_bus_error_is_set(error))
                return;
        text_utf8(error->message ? error->message : "", text, sizeof text);
        sd_bus_error_set(&good, error->name, text);
        sd_bus_error_free(error);
        *error = good;
}

static int send_results(struct call *call, sd_bus_error *error)
{
        sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0 && call->method->reply)
                r = call->method->reply(call, reply, error);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

/* r as of `apply`, not 1: the end of a call. */
static void answer(struct call *call, int r, sd_bus_error *error)
{
        if (r >= 0)
                r = send_results(call, error);
        clean(error);
        if (sd_bus_error_is_set(error))
                sd_bus_reply_method_error(call->message, error);
        else if (r < 0)
                sd_bus_reply_method_errnof(call->message, r, "%s", strerror(-r));
        sd_bus_error_free(error);
        call_free(call);
}

/* ---- doing it ---- */

static void run_work(void *userdata)
{
        struct call *call = userdata;

        call->method->work(call);
}

static int on_worked(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct call *call = userdata;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        task_finish(&call->task);
        if (call->message)
                answer(call, call->result, &error);
        else
                call_free(call);
        return 0;
}

static int begin_work(struct call *call)
{
        int r = task_begin(&call->task, run_work, call);
        return r < 0 ? r : sd_event_add_io(call->bus->event, &call->worked, call->task.fd, EPOLLIN, on_worked, call);
}

static void perform(struct call *call)
{
        struct bus *bus = call->bus; /* the call may be over below */
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = call->method->apply ? call->method->apply(call, &error) : 1;
        if (r == 1 && call->method->work)
                r = begin_work(call) < 0 ? -EAGAIN : 1;
        if (r != 1)
                answer(call, r, &error);
        else
                call->waits = call->method->done != NULL;
        /* What has been done may be what others, and this one, wait for; and it is told before the next call is taken.
         */
        bus->control->update(bus->supervisor);
}

void bus_calls_update(struct bus *bus)
{
        struct call *next;

        for (struct call *call = bus->calls; call; call = next) {
                sd_bus_error error = SD_BUS_ERROR_NULL;

                next = call->next;
                if (!call->waits)
                        continue;
                int r = call->method->done(call, &error);
                if (r != 0)
                        answer(call, r, &error);
        }
}

void bus_calls_end(struct bus *bus)
{
        struct call *next;

        for (struct call *call = bus->calls; call; call = next) {
                next = call->next;
                if (call->task.running) /* that may take long: on_worked() frees it */
                        call->message = sd_bus_message_unref(call->message);
                else
                        call_free(call);
        }
}

void bus_calls_free(struct bus *bus)
{
        while (bus->calls)
                call_free(bus->calls);
}

/* ---- may the caller? ---- */

static int refuse(sd_bus_message *reply, struct call *call, sd_bus_error *error)
{
        const sd_bus_error *trouble = sd_bus_message_get_error(reply);
        bool interactive = sd_bus_message_get_allow_interactive_authorization(call->message) > 0;
        int allowed = 0, challenge = 0;

        if (trouble)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "only root may do this without polkit (%s)",
                                         trouble->message ? trouble->message : trouble->name);
        int r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
        if (r > 0)
                r = sd_bus_message_read(reply, "bb", &allowed, &challenge);
        if (r < 0)
                return r;
        if (allowed)
                return 0;
        return challenge && !interactive
                       ? sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                           "%s needs a password to be asked for", call->method->action)
                       : sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "%s is not permitted",
                                           call->method->action);
}

static int on_polkit(sd_bus_message *reply, void *userdata, sd_bus_error *ignored)
{
        struct call *call = userdata;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = refuse(reply, call, &error);
        if (r < 0)
                answer(call, r, &error);
        else
                perform(call);
        return 0;
}

static int ask_polkit(struct call *call)
{
        sd_bus *connection = call->bus->connection;
        bool interactive = sd_bus_message_get_allow_interactive_authorization(call->message) > 0;
        sd_bus_message *question = NULL;

        int r = sd_bus_message_new_method_call(connection, &question, POLKIT, "/org/freedesktop/PolicyKit1/Authority",
                                               POLKIT ".Authority", "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(question, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                          sd_bus_message_get_sender(call->message), call->method->action, 0,
                                          (uint32_t)interactive, "");
        if (r >= 0)
                r = sd_bus_call_async(connection, &call->asked, question, on_polkit, call, POLKIT_TIMEOUT_USEC);
        sd_bus_message_unref(question);
        return r;
}

static int on_uid(sd_bus_message *reply, void *userdata, sd_bus_error *ignored)
{
        struct call *call = userdata;
        uint32_t uid;

        call->asked = sd_bus_slot_unref(call->asked);
        if (sd_bus_message_read(reply, "u", &uid) > 0 && (uid == 0 || uid == geteuid())) {
                perform(call);
                return 0;
        }
        int r = ask_polkit(call);
        if (r < 0)
                answer(call, r, NULL);
        return 0;
}

/* On a session bus there is nobody but one user; on the system's root and the daemon's own user need not ask polkit. */
static int ask_leave(struct call *call)
{
        sd_bus *connection = call->bus->connection;
        const char *scope;

        if (!call->method->action || (sd_bus_get_scope(connection, &scope) >= 0 && strcmp(scope, "user") == 0)) {
                perform(call);
                return 0;
        }
        return sd_bus_call_method_async(connection, &call->asked, DRIVER, "/org/freedesktop/DBus", DRIVER,
                                        "GetConnectionUnixUser", on_uid, call, "s",
                                        sd_bus_message_get_sender(call->message));
}

/* ---- the call ---- */

static unsigned under_way(const struct bus *bus, const char *sender, unsigned *ret_all)
{
        unsigned own = 0;

        *ret_all = 0;
        for (const struct call *call = bus->calls; call; call = call->next) {
                ++*ret_all;
                own += call->message && strcmp(sd_bus_message_get_sender(call->message), sender) == 0;
        }
        return own;
}

int bus_on_call(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        struct bus *bus = userdata;

        unsigned all, own = under_way(bus, sd_bus_message_get_sender(message), &all);
        if (own >= CLIENT_MAX || all >= ALL_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                         "%d calls under way for a client and %d for all are the limit", CLIENT_MAX,
                                         ALL_MAX);
        struct call *call = calloc(1, sizeof *call);
        if (!call)
                return -ENOMEM;
        *call = (struct call){.bus = bus,
                              .method = bus_method(sd_bus_message_get_member(message)),
                              .message = sd_bus_message_ref(message),
                              .task = TASK_NONE,
                              .fd = -1,
                              .config = *bus_ask(bus).config,
                              .next = bus->calls};
        bus->calls = call;
        int r = call->method->parse ? call->method->parse(call, error) : 1;
        /* Wrong, or nothing would change; that, what the client asked for before may yet alter. */
        if (r < 0 || (r == 0 && own == 0)) {
                call_free(call);
                clean(error);
                return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
        }
        r = ask_leave(call);
        if (r < 0)
                call_free(call);
        return r < 0 ? r : 1;
}
