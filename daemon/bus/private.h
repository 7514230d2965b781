/* Private to bus/. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/bus/bus.h"
#include "daemon/common/task.h"

/* Limits for one user, and for all users together, on descriptors and on calls in progress.  Calls that anybody may
 * make get half of either, so that they cannot lock out those that control something. */
#define USER_MAX 8
#define ALL_MAX 64

struct call;

/* A method.  Once the caller has permission: parse, work, apply, done, reply, each of which may be NULL. */
struct method {
        const char *name;
        const char *action; /* polkit's; NULL: everybody may */
        /* Reads and checks the arguments.  0: nothing would change, so the call is done.  1: continue. */
        int (*parse)(struct call *call, sd_bus_error *error);
        /* 0: done.  1: wait for `done`.  If it is NULL, the `result` of `work` counts. */
        int (*apply)(struct call *call, sd_bus_error *error);
        int (*done)(struct call *call, sd_bus_error *error);                         /* 0: not yet; 1: yes */
        void (*work)(struct call *call);                                             /* on a thread; may block */
        int (*reply)(struct call *call, sd_bus_message *reply, sd_bus_error *error); /* adds the results; NULL: none */
        bool shared; /* only one `work` at a time: calls that arrive meanwhile share its results */
};
extern const struct method bus_methods[]; /* ended by one without a name */
const struct method *bus_method(const char *name);

/* A call in progress.  It waits for the bus to identify the caller, for polkit, for a thread, or for the supervisor to
 * reach the wanted state. */
struct call {
        struct bus *bus;
        const struct method *method;
        sd_bus_message *message; /* NULL: the connection is gone */
        bool known;              /* the caller is: `uid` is valid */
        uid_t uid;
        bool waits;         /* for the supervisor, until `done` */
        sd_bus_slot *asked; /* the pending request to the bus or to polkit */
        struct task task;   /* `work` */
        uint64_t since;     /* since when it has been running */
        sd_event_source *worked;
        struct call *leader; /* the call whose `work` this one shares; NULL: it has its own */
        struct call *next;

        /* arguments and results, by method */
        struct config config; /* the wanted one */
        char text[256];
        int result, fd; /* of `work`; a descriptor to return, or -1 */
        void *data;     /* to be free()d, unless it is the leader's */
        int count;
};

/* The properties with signals, as last announced. */
struct bus_view {
        char state[16], reason[512], camera[PATH_MAX], gpu[256], model[PATH_MAX];
        char effect[EFFECT_TEXT_MAX];
        double effect_options[EFFECTS][EFFECT_OPTIONS_MAX]; /* of the chain */
        enum mode mode;
        uint32_t readers;
};

/* What subscribers were last told about faces. */
struct bus_faces {
        struct face faces[FACES_MAX];
        size_t count;
        bool rests; /* nothing is sent until the timer fires */
        sd_event_source *timer;
};

struct bus_handle {
        int fd; /* the writing end of a pipe, whose reading end the client has */
        bool subscribed;
        uint64_t dropped;
        uid_t uid;
        char sender[64], why[65];
        const char *action; /* polkit's, which must stay permitted to its holder; NULL: none */
        sd_bus_slot *asked; /* the pending question to polkit whether it still is */
        sd_event_source *gone;
        struct bus_handle *next;
        struct bus *bus;
};

struct bus {
        const struct control *control;
        struct supervisor *supervisor;
        sd_event *event;
        sd_bus *connection; /* NULL: there is none at the moment */
        sd_event_source *retry;
        bool said; /* it has been logged that there is none */
        struct bus_view view;
        struct bus_faces told;
        struct call *calls;
        struct bus_handle *handles;
};

extern const sd_bus_vtable bus_vtable[];
void bus_emit(struct bus *bus); /* announces what differs from the view */
/* A filter for the properties that not everybody may read. */
int bus_on_message(sd_bus_message *message, void *userdata, sd_bus_error *error);
#define BUS_WATCH INTERFACE_NAME ".watch" /* the polkit action for pictures and results */

/* faces.c */
int bus_faces_prepare(struct bus *bus);
const struct method *bus_faces_get(const char *property); /* NULL: it is not one of faces */

/* view.c */
struct control_view bus_ask(const struct bus *bus); /* gets the supervisor's view */
void bus_look(const struct bus *bus, struct bus_view *ret);
bool bus_is_trusted(const struct bus *bus, uid_t uid); /* a user who need not ask polkit */
bool bus_is_session(const struct bus *bus);            /* everybody on it is the same user */
/* Whether a user who has `own` of `all` may have one more.  Root always may. */
bool bus_has_room(const struct bus *bus, uid_t uid, unsigned own, unsigned all, unsigned share);

/* calls.c */
int bus_begin_call(struct bus *bus, const struct method *method, sd_bus_message *message, sd_bus_error *error);
int bus_on_call(sd_bus_message *message, void *userdata, sd_bus_error *error);
void bus_calls_update(struct bus *bus);
void bus_calls_end(struct bus *bus);  /* the connection is gone: nobody is waiting any more */
void bus_calls_free(struct bus *bus); /* waits for running threads */

/* handles.c */
int bus_handle_new(struct call *call, const char *why, bool subscribe, sd_bus_error *error); /* sets its `fd` */
/* Sends the signal once to each connection that has subscribed. */
void bus_handles_tell(const struct bus *bus, sd_bus_message *signal);
void bus_handles_review(struct bus *bus); /* asks polkit again, and takes back what is no longer permitted */
void bus_handles_end(struct bus *bus);    /* the connection is gone: nothing is asked any more */
void bus_handles_free(struct bus *bus);
