/* What clients are told about faces, if they may see pictures.  Get() of these properties is handled like a method,
 * which polkit must permit; GetAll() leaves them out; changes go to connections with a subscription, at most ten a
 * second. */
#include <string.h>

#include "daemon/bus/private.h"

#define INTERVAL_USEC 100000

/* ---- their values ---- */

static int append_number(sd_bus_message *message, const char *name, const char *type, double value)
{
        return sd_bus_message_append(message, "{sv}", name, type, value);
}

static int append_box(sd_bus_message *message, const char *name, const float box[4])
{
        return sd_bus_message_append(message, "{sv}", name, "ad", 4, (double)box[0], (double)box[1], (double)box[2],
                                     (double)box[3]);
}

static int append_areas(sd_bus_message *message, const struct face *face, const struct control_view *view)
{
        int r;

        if ((r = sd_bus_message_open_container(message, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(message, "s", "areas")) < 0 ||
            (r = sd_bus_message_open_container(message, 'v', "a{st}")) < 0 ||
            (r = sd_bus_message_open_container(message, 'a', "{st}")) < 0)
                return r;
        for (uint32_t i = 1; i < view->classes && r >= 0; i++)
                if (face->areas[i])
                        r = sd_bus_message_append(message, "{st}", view->class_names[i], face->areas[i]);
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(message);
        return r;
}

/* Answers that are not known are left out. */
static int append_answers(sd_bus_message *message, const struct face *face)
{
        int r = 0;

        for (size_t i = 0; i < FACE_QUESTIONS && r >= 0; i++)
                if (face->answers[i] != FACE_UNKNOWN)
                        r = sd_bus_message_append(message, "{sv}", face_question_names[i], "b",
                                                  (int)(face->answers[i] == FACE_YES));
        return r;
}

static int append_face(sd_bus_message *message, const struct face *face, const struct control_view *view)
{
        const struct face_box *b = &face->box;
        const struct face_upright *u = &face->upright;
        int r;

        if ((r = sd_bus_message_open_container(message, 'a', "{sv}")) < 0 ||
            (r = sd_bus_message_append(message, "{sv}", "id", "u", face->id)) < 0 ||
            (r = sd_bus_message_append(message, "{sv}", "since_ns", "t", face->since_ns)) < 0 ||
            (r = sd_bus_message_append(message, "{sv}", "seen_ns", "t", face->seen_ns)) < 0 ||
            (r = sd_bus_message_append(message, "{sv}", "viewed_ns", "t", face->viewed_ns)) < 0 ||
            (r = append_box(message, "box", (float[]){b->left, b->top, b->width, b->height})) < 0 ||
            (r = append_box(message, "upright", (float[]){u->x, u->y, u->width, u->height})) < 0 ||
            (r = append_number(message, "roll", "d", (double)u->roll)) < 0 ||
            (r = append_number(message, "confidence", "d", (double)face->confidence)) < 0 ||
            (r = append_areas(message, face, view)) < 0 || (r = append_answers(message, face)) < 0)
                return r;
        return sd_bus_message_close_container(message);
}

static int append_present(sd_bus_message *message, const struct control_view *view)
{
        return sd_bus_message_append(message, "b", (int)(view->face_count > 0));
}

static int append_count(sd_bus_message *message, const struct control_view *view)
{
        return sd_bus_message_append(message, "u", (uint32_t)view->face_count);
}

static int append_faces(sd_bus_message *message, const struct control_view *view)
{
        int r = sd_bus_message_open_container(message, 'a', "a{sv}");

        for (size_t i = 0; i < view->face_count && r >= 0; i++)
                r = append_face(message, &view->faces[i], view);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

/* ---- the properties ---- */

enum { PRESENT, COUNT, FACES, PROPERTIES };

static const struct {
        const char *name, *type;
        int (*append)(sd_bus_message *message, const struct control_view *view);
} properties[PROPERTIES] = {
        [PRESENT] = {"FacesPresent", "b", append_present},
        [COUNT] = {"FaceCount", "u", append_count},
        [FACES] = {"Faces", "aa{sv}", append_faces},
};

/* PROPERTIES: none of these */
static int find(const char *name)
{
        int i = 0;

        while (i < PROPERTIES && strcmp(properties[i].name, name) != 0)
                i++;
        return i;
}

static int append_variant(sd_bus_message *message, int property, const struct control_view *view)
{
        int r = sd_bus_message_open_container(message, 'v', properties[property].type);

        if (r >= 0)
                r = properties[property].append(message, view);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int reply_property(struct call *call, sd_bus_message *reply, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);
        const char *name;
        int r;

        if ((r = sd_bus_message_rewind(call->message, true)) < 0 ||
            (r = sd_bus_message_read(call->message, "ss", NULL, &name)) < 0)
                return r;
        return append_variant(reply, find(name), &view);
}

const struct method *bus_faces_get(const char *property)
{
        static const struct method get = {"Get", BUS_WATCH, .reply = reply_property};

        return find(property) < PROPERTIES ? &get : NULL;
}

/* ---- changes ---- */

static int append_changed(sd_bus_message *message, const bool changed[PROPERTIES], const struct control_view *view)
{
        int r;

        if ((r = sd_bus_message_append(message, "s", INTERFACE_MANAGER)) < 0 ||
            (r = sd_bus_message_open_container(message, 'a', "{sv}")) < 0)
                return r;
        for (int i = 0; i < PROPERTIES && r >= 0; i++)
                if (changed[i] && (r = sd_bus_message_open_container(message, 'e', "sv")) >= 0 &&
                    (r = sd_bus_message_append(message, "s", properties[i].name)) >= 0 &&
                    (r = append_variant(message, i, view)) >= 0)
                        r = sd_bus_message_close_container(message);
        if (r < 0 || (r = sd_bus_message_close_container(message)) < 0)
                return r;
        return sd_bus_message_append(message, "as", 0);
}

static void tell(const struct bus *bus, const bool changed[PROPERTIES], const struct control_view *view)
{
        sd_bus_message *signal = NULL;

        if (sd_bus_message_new_signal(bus->connection, &signal, INTERFACE_PATH, "org.freedesktop.DBus.Properties",
                                      "PropertiesChanged") >= 0 &&
            append_changed(signal, changed, view) >= 0)
                bus_handles_tell(bus, signal);
        sd_bus_message_unref(signal);
}

static bool same_place(const struct face *a, const struct face *b)
{
        const struct face_upright *u = &a->upright, *v = &b->upright;

        return a->box.left == b->box.left && a->box.top == b->box.top && a->box.width == b->box.width &&
               a->box.height == b->box.height && u->x == v->x && u->y == v->y && u->width == v->width &&
               u->height == v->height && u->roll == v->roll;
}

/* Without the times when it was last seen: they alone are no change that anybody must be told. */
static bool same(const struct face *a, const struct face *b)
{
        return a->id == b->id && a->since_ns == b->since_ns && a->confidence == b->confidence && same_place(a, b) &&
               memcmp(a->areas, b->areas, sizeof a->areas) == 0 &&
               memcmp(a->answers, b->answers, sizeof a->answers) == 0;
}

static bool same_faces(const struct bus_faces *told, const struct control_view *view)
{
        if (told->count != view->face_count)
                return false;
        for (size_t i = 0; i < told->count; i++)
                if (!same(&told->faces[i], &view->faces[i]))
                        return false;
        return true;
}

/* Nothing is sent until the timer fires.  It looks again, so the last state is always sent. */
static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct bus *bus = userdata;

        bus->told.rests = false;
        bus_update_faces(bus);
        return 0;
}

int bus_faces_prepare(struct bus *bus)
{
        int r = sd_event_add_time(bus->event, &bus->told.timer, CLOCK_MONOTONIC, 0, 1000, on_time, bus);

        return r < 0 ? r : sd_event_source_set_enabled(bus->told.timer, SD_EVENT_OFF);
}

void bus_update_faces(struct bus *bus)
{
        if (!bus || !bus->connection || bus->told.rests || !bus_subscribers(bus))
                return;
        struct bus_faces *told = &bus->told;
        const struct control_view view = bus_ask(bus);
        const bool changed[PROPERTIES] = {
                [PRESENT] = (told->count > 0) != (view.face_count > 0),
                [COUNT] = told->count != view.face_count,
                [FACES] = !same_faces(told, &view),
        };
        if (!changed[FACES])
                return;
        tell(bus, changed, &view);
        told->count = view.face_count;
        memcpy(told->faces, view.faces, view.face_count * sizeof view.faces[0]);
        told->rests = sd_event_source_set_time_relative(told->timer, INTERVAL_USEC) >= 0 &&
                      sd_event_source_set_enabled(told->timer, SD_EVENT_ONESHOT) >= 0;
}
