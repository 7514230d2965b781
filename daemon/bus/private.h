/* Private to bus/. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/bus/bus.h"
#include "daemon/common/task.h"

/* Of one user, and of all together: descriptors, and calls under way.  Calls that anybody may make get half of either,
 * so that they never keep out those that control something. */
#define USER_MAX 8
#define ALL_MAX 64

struct call;

/* A method.  Once the caller may: parse, work, apply, done, reply, of which each may be NULL. */
struct method {
        const char *name;
        const char *action; /* polkit's; NULL: everybody may */
        /* Reads and checks the arguments.  0: nothing would change, it is done. */
        int (*parse)(struct call *call, sd_bus_error *error);
        /* 0: done.  1: `done` will tell.  Where it is NULL, the `result` of `work` counts. */
        int (*apply)(struct call *call, sd_bus_error *error);
        int (*done)(struct call *call, sd_bus_error *error);                         /* 0: not yet; 1: yes */
        void (*work)(struct call *call);                                             /* on a thread; may block */
        int (*reply)(struct call *call, sd_bus_message *reply, sd_bus_error *error); /* adds the results; NULL: none */
        bool shared; /* one `work` at a time: who calls meanwhile gets its results too */
};
extern const struct method bus_methods[]; /* ended by one without a name */
const struct method *bus_method(const char *name);

/* A call under way: waiting for the bus to say who calls, for polkit, for a thread, or for the supervisor to come to
 * where it wants it. */
struct call {
        struct bus *bus;
        const struct method *method;
        sd_bus_message *message; /* NULL: the connection is gone */
        bool known;              /* who calls: `uid` */
        uid_t uid;
        bool waits;         /* for the supervisor: `done` tells */
        sd_bus_slot *asked; /* the bus, or polkit */
        struct task task;   /* `work` */
        uint64_t since;     /* it runs */
        sd_event_source *worked;
        struct call *leader; /* whose `work` this call shares; NULL: it has its own */
        struct call *next;

        /* arguments and results, by method */
        struct config config; /* what it is to be */
        char text[256];
        int result, fd; /* of `work`; a descriptor to answer with, or -1 */
        void *data;     /* free(), but for the leader's */
        int count;
};

/* What the signals are about, as it was told last. */
struct bus_view {
        char state[16], reason[512], camera[PATH_MAX], gpu[256], model[PATH_MAX];
        struct look look;
        enum mode mode;
        uint32_t readers;
        bool face;
};

struct bus_handle {
        int fd; /* the writing end of a pipe, whose reading end the client has */
        bool subscribed;
        uint64_t dropped;
        uid_t uid;
        char sender[64], why[65];
        sd_event_source *gone;
        struct bus_handle *next;
        struct bus *bus;
};

struct bus {
        const struct control *control;
        struct supervisor *supervisor;
        sd_event *event;
        sd_bus *connection; /* NULL: there is none just now */
        sd_event_source *retry;
        bool said; /* that there is none */
        struct bus_view view;
        struct call *calls;
        struct bus_handle *handles;
};

extern const sd_bus_vtable bus_vtable[];
struct control_view bus_ask(const struct bus *bus); /* the supervisor, how things are */
void bus_look(const struct bus *bus, struct bus_view *ret);
void bus_emit(struct bus *bus); /* what differs from the view */
/* A filter, for the property that not everybody may read. */
int bus_on_message(sd_bus_message *message, void *userdata, sd_bus_error *error);
#define BUS_WATCH INTERFACE_NAME ".watch" /* polkit's action for what the camera sees */

bool bus_is_session(const struct bus *bus); /* everybody on it is the same user */
/* May a user who has `own` of `all` have one more?  Root always may. */
bool bus_has_room(const struct bus *bus, uid_t uid, unsigned own, unsigned all, unsigned share);

/* calls.c */
int bus_begin_call(struct bus *bus, const struct method *method, sd_bus_message *message, sd_bus_error *error);
int bus_on_call(sd_bus_message *message, void *userdata, sd_bus_error *error);
void bus_calls_update(struct bus *bus);
void bus_calls_end(struct bus *bus);  /* the connection is gone: nobody waits any more */
void bus_calls_free(struct bus *bus); /* waits for what runs on threads */

/* handles.c */
int bus_handle_new(struct call *call, const char *why, bool subscribe, sd_bus_error *error); /* its `fd` */
/* To each connection that has subscribed, once. */
void bus_handles_tell(const struct bus *bus, sd_bus_message *signal);
void bus_handles_free(struct bus *bus);
