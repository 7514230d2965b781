/* The properties, their values, and the signals of their changes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/bus/private.h"
#include "daemon/common/text.h"

#define GETTER(name)                                                                                                   \
        static int name(sd_bus *bus, const char *path, const char *interface, const char *property,                    \
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)

#define PROPERTIES "org.freedesktop.DBus.Properties"

static struct control_figures ask_figures(const struct bus *bus)
{
        struct control_figures figures;

        bus->control->figures(bus->supervisor, &figures);
        return figures;
}

#define TEXT(getter, member)                                                                                           \
        GETTER(getter)                                                                                                 \
        {                                                                                                              \
                struct bus_view view;                                                                                  \
                                                                                                                       \
                bus_look(userdata, &view);                                                                             \
                return sd_bus_message_append(reply, "s", view.member);                                                 \
        }
TEXT(get_state, state)
TEXT(get_reason, reason)
TEXT(get_camera, camera)
TEXT(get_gpu, gpu)
TEXT(get_model, model)
TEXT(get_effect, effect)

GETTER(get_version)
{
        return sd_bus_message_append(reply, "s", VISAGED_VERSION);
}

/* Names of files may not be UTF-8, but text on the bus must be. */
static int append_name(sd_bus_message *reply, const char *name)
{
        char text[PATH_MAX];

        text_utf8(name, text, sizeof text);
        return sd_bus_message_append(reply, "s", text);
}

GETTER(get_virtual_camera)
{
        return append_name(reply, bus_ask(userdata).config->virtual_camera[0]);
}

GETTER(get_virtual_cameras)
{
        const struct config *config = bus_ask(userdata).config;
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX && config->virtual_camera[i][0] && r >= 0; i++)
                r = append_name(reply, config->virtual_camera[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_options(sd_bus_message *reply, const struct effect_settings *settings)
{
        int r = 0;

        for (unsigned i = 0; i < EFFECTS && r >= 0; i++)
                for (unsigned k = 0; settings->chain & UINT32_C(1) << i && effects[i]->options[k].name && r >= 0; k++)
                        r = sd_bus_message_append(reply, "{sv}", effects[i]->options[k].name,
                                                  effect_types[effects[i]->options[k].type].bus,
                                                  settings->options[i][k]);
        return r;
}

GETTER(get_effect_options)
{
        int r = sd_bus_message_open_container(reply, 'a', "{sv}");

        if (r >= 0)
                r = append_options(reply, &bus_ask(userdata).config->effect);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_mode)
{
        return sd_bus_message_append(reply, "s", mode_names[bus_ask(userdata).config->mode]);
}

GETTER(get_frame_rate)
{
        return sd_bus_message_append(reply, "d", ask_figures(userdata).frame_rate);
}

GETTER(get_parse_rate)
{
        return sd_bus_message_append(reply, "d", ask_figures(userdata).parse_rate);
}

GETTER(get_latency)
{
        return sd_bus_message_append(reply, "d", ask_figures(userdata).latency_ms);
}

GETTER(get_counters)
{
        const struct control_figures figures = ask_figures(userdata);
        int r = sd_bus_message_open_container(reply, 'a', "{st}");

        for (enum counter i = 0; i < COUNTERS && r >= 0; i++)
                r = sd_bus_message_append(reply, "{st}", counter_names[i], figures.counters[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

GETTER(get_readers)
{
        struct bus_view view;

        bus_look(userdata, &view);
        return sd_bus_message_append(reply, "u", view.readers);
}

/* Not reached: bus_on_message() handles Get() first. */
GETTER(get_protected)
{
        return -EACCES;
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define SIMPLE(name) SD_BUS_METHOD(name, NULL, NULL, bus_on_call, SD_BUS_VTABLE_UNPRIVILEGED)
#define TAKES(name, argument)                                                                                          \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS("s", argument), SD_BUS_NO_RESULT, bus_on_call,                       \
                                SD_BUS_VTABLE_UNPRIVILEGED)
#define GIVES(name, signature, result)                                                                                 \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_NO_ARGS, SD_BUS_RESULT(signature, result), bus_on_call,                   \
                                SD_BUS_VTABLE_UNPRIVILEGED)

const sd_bus_vtable bus_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, CONST),
        SD_BUS_PROPERTY("State", "s", get_state, 0, CHANGES),
        SD_BUS_PROPERTY("StateReason", "s", get_reason, 0, CHANGES),
        SD_BUS_PROPERTY("Camera", "s", get_camera, 0, CHANGES),
        SD_BUS_PROPERTY("VirtualCamera", "s", get_virtual_camera, 0, CONST),
        SD_BUS_PROPERTY("VirtualCameras", "as", get_virtual_cameras, 0, CONST),
        SD_BUS_PROPERTY("Gpu", "s", get_gpu, 0, CHANGES),
        SD_BUS_PROPERTY("Model", "s", get_model, 0, CHANGES),
        SD_BUS_PROPERTY("Effect", "s", get_effect, 0, CHANGES),
        SD_BUS_PROPERTY("EffectOptions", "a{sv}", get_effect_options, 0, CHANGES),
        SD_BUS_PROPERTY("Mode", "s", get_mode, 0, CHANGES),
        SD_BUS_PROPERTY("FrameRate", "d", get_frame_rate, 0, 0),
        SD_BUS_PROPERTY("ParseRate", "d", get_parse_rate, 0, 0),
        SD_BUS_PROPERTY("LatencyMs", "d", get_latency, 0, 0),
        SD_BUS_PROPERTY("Counters", "a{st}", get_counters, 0, 0),
        SD_BUS_PROPERTY("Readers", "u", get_readers, 0, CHANGES),
        SD_BUS_PROPERTY("FacesPresent", "b", get_protected, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_PROPERTY("FaceCount", "u", get_protected, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_PROPERTY("Faces", "aa{sv}", get_protected, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SIMPLE("Start"),
        SIMPLE("Stop"),
        SIMPLE("Pause"),
        SIMPLE("Resume"),
        SD_BUS_METHOD_WITH_ARGS("SetEffect", SD_BUS_ARGS("s", effect, "a{sv}", options), SD_BUS_NO_RESULT, bus_on_call,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        TAKES("SetMode", mode),
        TAKES("SetCamera", camera),
        TAKES("SetModel", model),
        TAKES("SetGpu", gpu),
        SIMPLE("Reload"),
        GIVES("ListCameras", "aa{sv}", cameras),
        GIVES("ListGpus", "aa{sv}", gpus),
        GIVES("ListModels", "aa{sv}", models),
        GIVES("Snapshot", "h", png),
        GIVES("Subscribe", "h", lines),
        SD_BUS_METHOD_WITH_ARGS("Hold", SD_BUS_ARGS("s", why), SD_BUS_RESULT("h", hold), bus_on_call,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/* ---- what not everybody may read ---- */

int bus_on_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const char *interface, *property;
        const struct method *get;

        if (sd_bus_message_is_method_call(message, PROPERTIES, "Get") <= 0 ||
            sd_bus_message_read(message, "ss", &interface, &property) <= 0)
                return 0;
        if (strcmp(interface, INTERFACE_MANAGER) == 0 && (get = bus_faces_get(property)))
                return bus_begin_call(userdata, get, message, error);
        return sd_bus_message_rewind(message, true) < 0 ? -EIO : 0;
}

/* clang-format off */
#define MEMBER(property, member)                                                                \
        {property, offsetof(struct bus_view, member), sizeof((struct bus_view *)0)->member}
/* clang-format on */

/* ---- changes ---- */

static const struct {
        const char *property;
        size_t offset, size;
} emitted[] = {
        MEMBER("State", state),
        MEMBER("StateReason", reason),
        MEMBER("Camera", camera),
        MEMBER("Gpu", gpu),
        MEMBER("Model", model),
        MEMBER("Effect", effect),
        MEMBER("EffectOptions", effect_options),
        MEMBER("Mode", mode),
        MEMBER("Readers", readers),
};
#define EMITTED (sizeof emitted / sizeof emitted[0])

void bus_emit(struct bus *bus)
{
        const char *changed[EMITTED + 1] = {NULL};
        struct bus_view now;
        size_t n = 0;

        bus_look(bus, &now);
        for (size_t i = 0; i < EMITTED; i++)
                if (memcmp((char *)&now + emitted[i].offset, (char *)&bus->view + emitted[i].offset, emitted[i].size) !=
                    0)
                        changed[n++] = emitted[i].property;
        if (n == 0)
                return;
        bus->view = now;
        sd_bus_emit_properties_changed_strv(bus->connection, INTERFACE_PATH, INTERFACE_MANAGER, (char **)changed);
}
