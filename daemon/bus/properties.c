/* The properties, what they say, and the signals of their changes. */
#include <stdio.h>
#include <string.h>

#include "daemon/bus/private.h"
#include "daemon/common/text.h"

#define GETTER(name)                                                                                                   \
        static int name(sd_bus *bus, const char *path, const char *interface, const char *property,                   \
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)

void bus_look(const struct manager *m, struct bus_view *ret)
{
        const bool ready = m->gpu.state == GPU_READY;

        memset(ret, 0, sizeof *ret); /* is compared as bytes */
        snprintf(ret->state, sizeof ret->state, "%s",
                 manager_state_names[manager_state(m, ret->reason, sizeof ret->reason)]);
        text_utf8(m->config.camera, ret->camera, sizeof ret->camera);
        if (ready) {
                text_utf8(gpu_info(m->gpu.now->engine.gpu)->name, ret->gpu, sizeof ret->gpu);
                text_utf8(m->gpu.now->engine.model_path, ret->model, sizeof ret->model);
        }
        ret->look.effect = m->config.look.effect; /* member by member: what lies between them is nobody's */
        ret->look.opacity = m->config.look.opacity;
        ret->look.strength = m->config.look.strength;
        ret->mode = m->config.mode;
        ret->readers = m->sink.state == SINK_OPEN ? m->sink.readers_count : 0;
        ret->face = m->results.face;
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

GETTER(get_version)
{
        return sd_bus_message_append(reply, "s", VISAGED_VERSION);
}

GETTER(get_virtual_camera)
{
        char text[PATH_MAX];

        text_utf8(((struct manager *)userdata)->config.virtual_camera, text, sizeof text);
        return sd_bus_message_append(reply, "s", text);
}

GETTER(get_effect)
{
        return sd_bus_message_append(reply, "s", effect_names[((struct manager *)userdata)->config.look.effect]);
}

GETTER(get_effect_options)
{
        const struct look *look = &((struct manager *)userdata)->config.look;

        if (look->effect == EFFECT_OVERLAY)
                return sd_bus_message_append(reply, "a{sv}", 1, "opacity", "d", look->opacity);
        if (look->effect == EFFECT_BLUR)
                return sd_bus_message_append(reply, "a{sv}", 1, "strength", "d", look->strength);
        return sd_bus_message_append(reply, "a{sv}", 0);
}

GETTER(get_mode)
{
        return sd_bus_message_append(reply, "s", mode_names[((struct manager *)userdata)->config.mode]);
}

GETTER(get_frame_rate)
{
        const struct manager *m = userdata;

        return sd_bus_message_append(reply, "d", m->sink.live ? stats_recent_rate(&m->stats.shown, stats_now()) : 0.0);
}

GETTER(get_parse_rate)
{
        const struct manager *m = userdata;

        return sd_bus_message_append(reply, "d", m->sink.live ? stats_recent_rate(&m->stats.parsed, stats_now()) : 0.0);
}

GETTER(get_latency)
{
        const struct manager *m = userdata;

        return sd_bus_message_append(reply, "d", m->sink.live ? stats_median_ms(&m->stats.latency) : 0.0);
}

GETTER(get_counters)
{
        const struct manager *m = userdata;
        const struct stats *s = &m->stats;
        struct camera_counters now = {0};

        if (m->camera.state == CAMERA_STARTING || m->camera.state == CAMERA_STREAMING)
                now = *camera_counters(m->camera.camera);
        return sd_bus_message_append(reply, "a{st}", 10, "captured", s->captured + now.captured, "parsed", s->parsed.count,
                                     "shown", s->shown.count, "repeated", s->repeated, "placeholder", s->placeholders,
                                     "stale", s->stale + now.stale, "corrupt", s->corrupt + now.corrupt, "lost",
                                     s->lost + now.lost, "refused", s->refused, "reopened", s->reopened);
}

GETTER(get_readers)
{
        struct bus_view view;

        bus_look(userdata, &view);
        return sd_bus_message_append(reply, "u", view.readers);
}

GETTER(get_face)
{
        return sd_bus_message_append(reply, "b", ((struct manager *)userdata)->results.face);
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define SIMPLE(name) SD_BUS_METHOD(name, NULL, NULL, bus_on_call, SD_BUS_VTABLE_UNPRIVILEGED)
#define TAKES(name, argument)                                                                                          \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS("s", argument), SD_BUS_NO_RESULT, bus_on_call, SD_BUS_VTABLE_UNPRIVILEGED)
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
        SD_BUS_PROPERTY("FacesPresent", "b", get_face, 0, CHANGES),
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

/* ---- changes ---- */

static const struct {
        const char *property;
        size_t offset, size;
} emitted[] = {
#define MEMBER(property, member) {property, offsetof(struct bus_view, member), sizeof((struct bus_view *)0)->member}
        MEMBER("State", state),        MEMBER("StateReason", reason),      MEMBER("Camera", camera),
        MEMBER("Gpu", gpu),            MEMBER("Model", model),             MEMBER("Effect", look.effect),
        MEMBER("EffectOptions", look), MEMBER("Mode", mode),               MEMBER("Readers", readers),
        MEMBER("FacesPresent", face),
};
#define EMITTED (sizeof emitted / sizeof emitted[0])

void bus_emit(struct bus *bus)
{
        const char *changed[EMITTED + 1] = {NULL};
        struct bus_view now;
        size_t n = 0;

        bus_look(bus->manager, &now);
        for (size_t i = 0; i < EMITTED; i++)
                if (memcmp((char *)&now + emitted[i].offset, (char *)&bus->view + emitted[i].offset, emitted[i].size) != 0)
                        changed[n++] = emitted[i].property;
        if (n == 0)
                return;
        bus->view = now;
        sd_bus_emit_properties_changed_strv(bus->connection, BUS_PATH, BUS_INTERFACE, (char **)changed);
}
