#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "daemon/client/client.h"
#include "daemon/client/json.h"
#include "daemon/common/interface.h"
#include "daemon/common/text.h"

#define CALL_USEC (300 * UINT64_C(1000000))
#define ASK_USEC (10 * UINT64_C(1000000)) /* for properties: the daemon answers at once or is stuck */

/* ---- errors ---- */

/* Errors of the bus, polkit and the service manager, as opposed to the daemon.  A name that ends with a dot stands for
 * all names that begin with it. */
static const struct cause {
        const char *name, *text;
        bool message;                   /* add the error's own text */
        const char *program, *argument; /* a command that helps */
} causes[] = {
        {SD_BUS_ERROR_SERVICE_UNKNOWN, "visaged is not running", false, "systemctl", "start visaged"},
        {SD_BUS_ERROR_NAME_HAS_NO_OWNER, "visaged is not running", false, "systemctl", "start visaged"},
        {SD_BUS_ERROR_NO_REPLY, "visaged does not answer", true, "journalctl", "-u visaged"},
        {"org.freedesktop.DBus.Error.TimedOut", "visaged does not start", true, "journalctl", "-u visaged"},
        {"org.freedesktop.DBus.Error.Spawn.", "visaged does not start", true, "journalctl", "-u visaged"},
        {"org.freedesktop.systemd1.NoSuchUnit", "visaged is disabled", false, "systemctl", "enable --now visaged"},
        {"org.freedesktop.systemd1.", "visaged does not start", true, "systemctl", "status visaged"},
        {SD_BUS_ERROR_ACCESS_DENIED, "not allowed", true, "sudo", "visagectl ..."},
        {SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "not allowed", true, "sudo", "visagectl ..."},
        {SD_BUS_ERROR_DISCONNECTED, "the bus is gone", false, NULL, NULL},
};

static bool is(const struct cause *cause, const char *name)
{
        size_t n = strlen(cause->name);

        return strncmp(name, cause->name, n) == 0 && (cause->name[n - 1] == '.' || !name[n]);
}

static void tell(const struct client *client, const sd_bus_error *error, int r, char *why, size_t why_size)
{
        const char *name = error->name ? error->name : "", *text = error->message ? error->message : strerror(-r);
        char message[400], more[410] = "", hint[100] = "";

        text_printable(text, message, sizeof message);
        if (r == -ECONNRESET || r == -ENOTCONN)
                name = SD_BUS_ERROR_DISCONNECTED;
        for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
                const struct cause *cause = &causes[i];
                if (!is(cause, name))
                        continue;
                if (cause->message)
                        snprintf(more, sizeof more, " (%s)", message);
                if (cause->program)
                        snprintf(hint, sizeof hint, "; try \"%s %s%s\"", cause->program,
                                 client->user && strcmp(cause->program, "sudo") != 0 ? "--user " : "", cause->argument);
                snprintf(why, why_size, "%s%s%s", cause->text, more, hint);
                return;
        }
        snprintf(why, why_size, "%s", message);
}

/* ---- connection ---- */

static int connect_to(bool user, sd_bus **ret)
{
        int r = user ? sd_bus_open_user(ret) : sd_bus_open_system(ret);

        if (r >= 0)
                sd_bus_set_allow_interactive_authorization(*ret, true);
        return r;
}

static bool has_visaged(sd_bus *bus)
{
        return sd_bus_get_name_creds(bus, INTERFACE_NAME, 0, NULL) >= 0;
}

int client_open(enum client_bus which, bool activate, struct client *ret, char *why, size_t why_size)
{
        struct client client = {.activate = activate};
        sd_bus *session = NULL;
        int r = 0;

        if (which != CLIENT_SYSTEM) {
                r = connect_to(true, &session);
                client.user = true;
                client.bus = session;
        }
        if (which == CLIENT_SYSTEM || (which == CLIENT_EITHER && (r < 0 || !has_visaged(session)))) {
                sd_bus *system = NULL;
                int s = connect_to(false, &system);
                if (s >= 0 || r < 0 || !session) {
                        sd_bus_flush_close_unref(session);
                        client.user = false;
                        client.bus = system;
                        r = s;
                }
        }
        if (r < 0) {
                snprintf(why, why_size, "there is no %s bus: %s", client.user ? "session" : "system", strerror(-r));
                return r;
        }
        *ret = client;
        return 0;
}

void client_close(struct client *client)
{
        client->bus = sd_bus_flush_close_unref(client->bus);
}

/* ---- calls ---- */

static sd_bus_message *new_message(struct client *client, const char *interface, const char *method)
{
        sd_bus_message *message = NULL;

        if (sd_bus_message_new_method_call(client->bus, &message, INTERFACE_NAME, INTERFACE_PATH, interface, method) >=
            0)
                sd_bus_message_set_auto_start(message, client->activate);
        return message;
}

static int exchange(struct client *client, sd_bus_message *message, uint64_t usec, sd_bus_message **ret_reply,
                    char *why, size_t why_size)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = message ? sd_bus_call(client->bus, message, usec, &error, ret_reply) : -ENOMEM;
        if (r < 0)
                tell(client, &error, r, why, why_size);
        sd_bus_message_unref(message);
        sd_bus_error_free(&error);
        return r < 0 ? r : 0;
}

sd_bus_message *client_message(struct client *client, const char *method)
{
        return new_message(client, INTERFACE_MANAGER, method);
}

int client_send(struct client *client, sd_bus_message *message, sd_bus_message **ret_reply, char *why, size_t why_size)
{
        return exchange(client, message, CALL_USEC, ret_reply, why, why_size);
}

int client_call(struct client *client, const char *method, const char *argument, sd_bus_message **ret_reply, char *why,
                size_t why_size)
{
        sd_bus_message *message = client_message(client, method);
        int r = message && argument ? sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, argument) : 0;

        if (r < 0) {
                snprintf(why, why_size, "\"%s\" cannot be sent: %s", argument, strerror(-r));
                sd_bus_message_unref(message);
                return r;
        }
        return client_send(client, message, ret_reply, why, why_size);
}

static int wrong_answer(int r, const char *method, char *why, size_t why_size)
{
        snprintf(why, why_size, "visaged's answer to %s is invalid: %s; are both programs of the same version?", method,
                 strerror(-r));
        return r;
}

int client_call_fd(struct client *client, const char *method, const char *argument, int *ret, char *why,
                   size_t why_size)
{
        sd_bus_message *reply = NULL;
        int fd;

        int r = client_call(client, method, argument, &reply, why, why_size);
        if (r < 0)
                return r;
        r = sd_bus_message_read_basic(reply, SD_BUS_TYPE_UNIX_FD, &fd);
        if (r >= 0) {
                *ret = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message closes the original */
                r = *ret < 0 ? -errno : 0;
        }
        sd_bus_message_unref(reply);
        return r < 0 ? wrong_answer(r, method, why, why_size) : 0;
}

/* "VirtualCamera" -> "virtual_camera" */
static void to_snake(const char *name, char *ret, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; name[i] && n + 2 < size; i++) {
                if (i > 0 && isupper((unsigned char)name[i]))
                        ret[n++] = '_';
                ret[n++] = (char)tolower((unsigned char)name[i]);
        }
        ret[n] = '\0';
}

/* One of those that not everybody may read; then it is null in JSON.  Does not ask for a password. */
static json_t *ask(struct client *client, const char *property)
{
        sd_bus_message *message = new_message(client, "org.freedesktop.DBus.Properties", "Get"), *reply = NULL;
        json_t *value = NULL;
        char why[1024];

        if (message) {
                sd_bus_message_append(message, "ss", INTERFACE_MANAGER, property);
                sd_bus_message_set_allow_interactive_authorization(message, false);
        }
        int r = exchange(client, message, ASK_USEC, &reply, why, sizeof why);
        if (r == 0)
                r = bus_json(reply, &value);
        sd_bus_message_unref(reply);
        return r < 0 ? json_null() : value;
}

static void ask_others(struct client *client, json_t *properties)
{
        static const char *const others[][2] = {
                {"FacesPresent", "faces_present"}, {"FaceCount", "face_count"}, {"Faces", "faces"}};

        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
                if (!json_object_get(properties, others[i][1]))
                        json_object_set_new(properties, others[i][1], ask(client, others[i][0]));
}

int client_properties(struct client *client, json_t **ret, char *why, size_t why_size)
{
        sd_bus_message *message = new_message(client, "org.freedesktop.DBus.Properties", "GetAll"), *reply = NULL;
        json_t *all = NULL, *value;
        const char *name;

        if (message)
                sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, INTERFACE_MANAGER);
        int r = exchange(client, message, ASK_USEC, &reply, why, why_size);
        if (r < 0)
                return r;
        r = bus_json(reply, &all);
        sd_bus_message_unref(reply);
        if (r < 0)
                return wrong_answer(r, "GetAll", why, why_size);
        *ret = json_object();
        json_object_foreach(all, name, value)
        {
                char snake[64];
                to_snake(name, snake, sizeof snake);
                json_object_set(*ret, snake, value);
        }
        json_decref(all);
        ask_others(client, *ret);
        return 0;
}

int client_list(struct client *client, const char *method, json_t **ret, char *why, size_t why_size)
{
        sd_bus_message *reply = NULL;

        int r = client_call(client, method, NULL, &reply, why, why_size);
        if (r < 0)
                return r;
        r = bus_json(reply, ret);
        sd_bus_message_unref(reply);
        if (r >= 0 && !json_is_array(*ret)) {
                json_decref(*ret);
                r = -EBADMSG;
        }
        return r < 0 ? wrong_answer(r, method, why, why_size) : 0;
}

const char *client_text(const json_t *properties, const char *name)
{
        const char *text = json_string_value(json_object_get(properties, name));

        return text ? text : "";
}
