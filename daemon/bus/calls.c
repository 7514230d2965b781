/* How a call is handled: find out who calls, whether that user may have another call in progress, and whether the
 * caller has permission; then check the arguments and whether anything would change, do it, wait for it, answer.
 * Nothing that takes time is done before the caller has permission. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/bus/polkit.h"
#include "daemon/bus/private.h"
#include "daemon/common/stats.h"
#include "daemon/common/text.h"

#define DRIVER "org.freedesktop.DBus" /* the bus itself */

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
        if (!call->leader)
                free(call->data);
        free(call);
}

/* ---- answering ---- */

/* A message that is not UTF-8 could not be sent, and there would be no answer.  The name of a file in it may be
 * anything, and it may be cut anywhere. */
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

/* Ends a call; r as from `apply`, but not 1. */
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

/* ---- executing ---- */

/* Called after `work`, if there is any. */
static void carry_out(struct call *call)
{
        struct bus *bus = call->bus; /* the call may end below */
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = call->method->apply ? call->method->apply(call, &error) : call->result < 0 ? call->result : 0;
        if (r != 1)
                answer(call, r, &error);
        else
                call->waits = call->method->done != NULL;
        /* Other calls, and this one, may have waited for this.  It is also announced before the next call is handled.
         */
        bus->control->update(bus->supervisor);
}

static void run_work(void *userdata)
{
        struct call *call = userdata;

        call->method->work(call);
}

static void share_results(const struct call *leader)
{
        struct call *next;

        for (struct call *call = leader->bus->calls; call; call = next) {
                sd_bus_error error = SD_BUS_ERROR_NULL;

                next = call->next;
                if (call->leader != leader)
                        continue;
                call->result = leader->result;
                call->count = leader->count;
                call->data = leader->data;
                answer(call, call->result < 0 ? call->result : 0, &error);
        }
}

static int on_worked(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct call *call = userdata;

        task_finish(&call->task);
        share_results(call);
        if (call->message)
                carry_out(call);
        else
                call_free(call);
        return 0;
}

/* A running call that will have the same results as `call`. */
static struct call *find_leader(const struct call *call)
{
        for (struct call *other = call->bus->calls; other; other = other->next)
                if (other->method == call->method && other->task.running &&
                    strcmp(other->config.model, call->config.model) == 0)
                        return other;
        return NULL;
}

static int begin_work(struct call *call)
{
        if (call->method->shared && (call->leader = find_leader(call)))
                return 0;
        call->since = stats_now();
        int r = task_begin(&call->task, run_work, call);
        return r < 0 ? r : sd_event_add_io(call->bus->event, &call->worked, call->task.fd, EPOLLIN, on_worked, call);
}

uint64_t bus_working_since(const struct bus *bus)
{
        uint64_t since = 0;

        for (const struct call *call = bus ? bus->calls : NULL; call; call = call->next)
                if (call->task.running && (since == 0 || call->since < since))
                        since = call->since;
        return since;
}

/* The caller has permission. */
static void perform(struct call *call)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        call->config = *bus_ask(call->bus).config;
        int r = call->method->parse ? call->method->parse(call, &error) : 1;
        if (r == 1 && call->method->work && begin_work(call) < 0)
                r = -EAGAIN;
        if (r != 1)
                answer(call, r, &error);
        else if (!call->method->work)
                carry_out(call);
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
                if (call->task.running) /* it may take long: on_worked() frees it */
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

/* ---- permission ---- */

static bool may_ask(const struct call *call)
{
        return sd_bus_message_get_allow_interactive_authorization(call->message) > 0;
}

static int refuse(sd_bus_message *reply, struct call *call, sd_bus_error *error)
{
        const sd_bus_error *trouble = sd_bus_message_get_error(reply);
        struct polkit_answer answer;

        int r = polkit_read(reply, &answer);
        if (trouble)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "only root may do this without polkit (%s)",
                                         trouble->message ? trouble->message : trouble->name);
        if (r < 0 || answer.allowed)
                return r;
        return answer.challenge && !may_ask(call)
                       ? sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                           "%s requires a password", call->method->action)
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

/* ---- the caller ---- */

/* Only counts calls whose callers are known. */
static int check_limits(const struct call *call, sd_bus_error *error)
{
        unsigned own = 0, all = 0;

        for (const struct call *other = call->bus->calls; other; other = other->next) {
                if (!other->known || other == call)
                        continue;
                all++;
                own += other->uid == call->uid;
        }
        if (bus_has_room(call->bus, call->uid, own, all, call->method->action ? 1 : 2))
                return 0;
        return sd_bus_error_setf(
                error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                "too many calls in progress: each user may have %d, all users together %d; wait for an answer",
                USER_MAX, ALL_MAX);
}

/* A session bus only has one user; on the system bus, root and the daemon's own user do not need polkit. */
static bool needs_leave(const struct call *call)
{
        return call->method->action && !bus_is_trusted(call->bus, call->uid);
}

static void admit(struct call *call, uid_t uid)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        call->known = true;
        call->uid = uid;
        int r = check_limits(call, &error);
        if (r == 0 && needs_leave(call))
                r = polkit_ask(call->bus->connection, &call->asked, sd_bus_message_get_sender(call->message),
                               call->method->action, may_ask(call), on_polkit, call);
        else if (r == 0)
                return perform(call);
        if (r < 0)
                answer(call, r, &error);
}

static int on_uid(sd_bus_message *reply, void *userdata, sd_bus_error *ignored)
{
        struct call *call = userdata;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        uint32_t uid;

        call->asked = sd_bus_slot_unref(call->asked);
        if (sd_bus_message_read(reply, "u", &uid) > 0)
                admit(call, uid);
        else /* most likely nobody is waiting for an answer any more */
                answer(call, -EACCES, &error);
        return 0;
}

/* Asynchronous: a slow bus must not delay the frames. */
static int ask_who(struct call *call)
{
        if (bus_is_session(call->bus)) {
                admit(call, geteuid());
                return 0;
        }
        return sd_bus_call_method_async(call->bus->connection, &call->asked, DRIVER, "/org/freedesktop/DBus", DRIVER,
                                        "GetConnectionUnixUser", on_uid, call, "s",
                                        sd_bus_message_get_sender(call->message));
}

/* ---- receiving ---- */

/* The bus limits the connections of a user; this limits the requests that each connection causes us to send to the
 * bus. */
static bool floods(const struct bus *bus, const char *sender)
{
        unsigned n = 0;

        for (const struct call *call = bus->calls; call; call = call->next)
                n += !call->known && call->message && strcmp(sd_bus_message_get_sender(call->message), sender) == 0;
        return n >= USER_MAX;
}

int bus_begin_call(struct bus *bus, const struct method *method, sd_bus_message *message, sd_bus_error *error)
{
        if (floods(bus, sd_bus_message_get_sender(message)))
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                         "too many calls at once; wait for an answer");
        struct call *call = calloc(1, sizeof *call);
        if (!call)
                return -ENOMEM;
        call->bus = bus;
        call->method = method;
        call->message = sd_bus_message_ref(message);
        call->task = TASK_NONE;
        call->fd = -1;
        call->next = bus->calls;
        bus->calls = call;
        int r = ask_who(call);
        if (r < 0)
                call_free(call);
        return r < 0 ? r : 1;
}

int bus_on_call(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return bus_begin_call(userdata, bus_method(sd_bus_message_get_member(message)), message, error);
}
