/* The methods; for their documentation see org.visaged1(5).  Those that return lists or pictures are in lists.c and
 * snapshot.c. */
#define LOG_COMPONENT "bus"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/lists.h"
#include "daemon/bus/private.h"
#include "daemon/bus/snapshot.h"
#include "daemon/common/log.h"
#include "daemon/common/models.h"
#include "v4l2/names.h"

#define ERROR(name) INTERFACE_ERROR name

/* ---- start, stop, pause ---- */

static int parse_start(struct call *call, sd_bus_error *error)
{
        return bus_ask(call->bus).stopped;
}

static int apply_start(struct call *call, sd_bus_error *error)
{
        call->bus->control->stop(call->bus->supervisor, false);
        call->config = *bus_ask(call->bus).config; /* what to open */
        return 1;
}

static int gpu_is_ready(struct call *call, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);

        if (view.stopped)
                return sd_bus_error_setf(error, ERROR("Failed"), "it was stopped meanwhile");
        if (view.missing)
                return sd_bus_error_setf(error, ERROR("Failed"), "no virtual camera: %s", view.missing);
        if (!view.gpu)
                return 0;
        if (!config_same_engine(&call->config, view.config))
                return sd_bus_error_setf(error, ERROR("Failed"), "started with the previous settings: %s",
                                         view.opened_why);
        return 1;
}

static int parse_stop(struct call *call, sd_bus_error *error)
{
        return !bus_ask(call->bus).stopped;
}

static int apply_stop(struct call *call, sd_bus_error *error)
{
        call->bus->control->stop(call->bus->supervisor, true);
        return 0;
}

static int parse_pause(struct call *call, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);

        return !view.paused || !view.camera_closed;
}

static int apply_pause(struct call *call, sd_bus_error *error)
{
        if (!bus_ask(call->bus).paused)
                call->bus->control->pause(call->bus->supervisor, true);
        return 1;
}

static int camera_is_closed(struct call *call, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);

        return view.camera_closed || !view.paused;
}

static int parse_resume(struct call *call, sd_bus_error *error)
{
        return bus_ask(call->bus).paused;
}

static int apply_resume(struct call *call, sd_bus_error *error)
{
        call->bus->control->pause(call->bus->supervisor, false);
        return 0;
}

/* ---- what is shown ---- */

_Static_assert(EFFECTS *EFFECT_OPTIONS_MAX <= 64, "`given` has a bit for each option");

static int parse_option(struct effect_settings *settings, const char *name, uint64_t *given, sd_bus_message *message,
                        sd_bus_error *error)
{
        char text[EFFECT_TEXT_MAX];
        double *place, value;

        const struct effect_option *option = effect_option_find(settings, settings->chain, name, &place);
        if (!option) {
                effect_chain_format(settings->chain, text);
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "the effect \"%s\" has no option \"%.64s\"",
                                         text, name);
        }
        const uint64_t bit = UINT64_C(1) << (place - settings->options[0]);
        if (*given & bit)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "%s is given twice", name);
        *given |= bit;
        const char *type = effect_types[option->type].bus;
        if (sd_bus_message_read(message, "v", type, &value) < 0 || !effect_option_allows(option, value)) {
                effect_option_allowed(option, text);
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "%s must be %s (type %s)", name, text, type);
        }
        *place = value;
        return 0;
}

/* A dictionary may be as large as a message, so it is only read up to the first option that is unknown or repeated. */
static int parse_options(struct effect_settings *settings, sd_bus_message *message, sd_bus_error *error)
{
        const char *option;
        uint64_t given = 0;
        int r;

        if ((r = sd_bus_message_enter_container(message, 'a', "{sv}")) < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                if ((r = sd_bus_message_read(message, "s", &option)) < 0 ||
                    (r = parse_option(settings, option, &given, message, error)) < 0 ||
                    (r = sd_bus_message_exit_container(message)) < 0)
                        return r;
        }
        return r;
}

static int parse_set_effect(struct call *call, sd_bus_error *error)
{
        struct effect_settings *settings = &call->config.effect;
        char allowed[EFFECT_TEXT_MAX];
        const char *names;

        int r = sd_bus_message_read(call->message, "s", &names);
        if (r < 0)
                return r;
        if (effect_chain_parse(names, &settings->chain) < 0) {
                effect_chain_allowed(allowed);
                return sd_bus_error_setf(error, ERROR("NoSuchEffect"),
                                         "there is no effect \"%.64s\"; the effect must be %s", names, allowed);
        }
        effect_settings_reset(settings, settings->chain);
        if ((r = parse_options(settings, call->message, error)) < 0)
                return r;
        return !effect_settings_equal(settings, &bus_ask(call->bus).config->effect);
}

static int apply_effect(struct call *call, sd_bus_error *error)
{
        return call->bus->control->set_effect(call->bus->supervisor, &call->config.effect);
}

static int find_mode(const char *word, sd_bus_error *error)
{
        char known[200] = "";
        size_t n = 0;

        for (int i = 0; mode_names[i]; i++) {
                if (strcmp(mode_names[i], word) == 0)
                        return i;
                n += snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", mode_names[i]);
        }
        return sd_bus_error_setf(error, ERROR("NoSuchMode"), "there is no mode \"%.64s\"; the modes are %s", word,
                                 known);
}

static int parse_set_mode(struct call *call, sd_bus_error *error)
{
        const char *word;

        int r = sd_bus_message_read(call->message, "s", &word);
        if (r < 0 || (r = find_mode(word, error)) < 0)
                return r;
        call->config.mode = r;
        return call->config.mode != bus_ask(call->bus).config->mode;
}

static int apply_mode(struct call *call, sd_bus_error *error)
{
        call->bus->control->set_mode(call->bus->supervisor, call->config.mode);
        return 0;
}

/* ---- camera, model, GPU ---- */

static int read_text(struct call *call, char *ret, size_t size, sd_bus_error *error)
{
        const char *text;

        int r = sd_bus_message_read(call->message, "s", &text);
        if (r < 0)
                return r;
        if (strlen(text) >= size)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "longer than %zu bytes", size - 1);
        for (const char *c = text; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 127)
                        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                                 "the name contains a control character");
        memcpy(ret, text, strlen(text) + 1);
        return 0;
}

/* It must be a capture node or the name of one, and not a virtual camera of ours. */
static bool names_camera(const struct bus *bus, const char *name)
{
        char node[PATH_MAX];

        return name_finds_node(name, node) && !bus_is_virtual_camera(bus, node);
}

static int parse_set_camera(struct call *call, sd_bus_error *error)
{
        const struct config *now = bus_ask(call->bus).config;
        char *name = call->config.camera;

        int r = read_text(call, name, sizeof call->config.camera, error);
        if (r < 0)
                return r;
        if (*name && !names_camera(call->bus, name))
                return sd_bus_error_setf(error, ERROR("NoSuchCamera"),
                                         "there is no camera \"%.200s\"; \"visagectl cameras\" lists the cameras",
                                         name);
        return strcmp(name, now->camera) != 0;
}

static int apply_camera(struct call *call, sd_bus_error *error)
{
        call->bus->control->set_camera(call->bus->supervisor, call->config.camera);
        return 0;
}

static int no_model(const struct call *call, sd_bus_error *error)
{
        char there[400];

        models_names(call->data, call->count, false, there, sizeof there);
        return sd_bus_error_setf(error, ERROR("NoSuchModel"), "there is no model \"%s\"; there are: %s", call->text,
                                 there);
}

/* A thread looks for its file. */
static int parse_set_model(struct call *call, sd_bus_error *error)
{
        int r = read_text(call, call->text, sizeof call->text, error);
        return r < 0 ? r : bus_parse_models(call, error);
}

static int parse_set_gpu(struct call *call, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);

        int r = read_text(call, call->config.gpu, sizeof call->config.gpu, error);
        return r < 0 ? r : view.opening || strcmp(call->config.gpu, view.config->gpu) != 0;
}

/* Converts the result of set_engine() and take_config() to an error of the bus. */
static int tell_engine(const struct call *call, int r, sd_bus_error *error)
{
        if (r == CONTROL_NO_OUTPUT)
                return sd_bus_error_setf(error, ERROR("Failed"), "no virtual camera: %s", bus_ask(call->bus).missing);
        if (r == CONTROL_BUSY)
                return sd_bus_error_setf(error, ERROR("Busy"), "a GPU or a model is being opened; try again later");
        return r;
}

static int set_engine(struct call *call, const struct config *wish, sd_bus_error *error)
{
        return tell_engine(call, call->bus->control->set_engine(call->bus->supervisor, wish), error);
}

/* Changes only what was asked for, because the rest of `call->config` may be outdated. */
static int apply_model(struct call *call, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);
        const struct model_entry *model = bus_find_model(call, call->text);
        struct config wish = *view.config;

        if (call->result < 0)
                return call->result;
        if (call->text[0] && !model)
                return no_model(call, error);
        snprintf(wish.model, sizeof wish.model, "%s", model ? model->path : "");
        if (!view.opening && strcmp(wish.model, view.config->model) == 0)
                return 0;
        return set_engine(call, &wish, error);
}

static int apply_gpu(struct call *call, sd_bus_error *error)
{
        struct config wish = *bus_ask(call->bus).config;

        memcpy(wish.gpu, call->config.gpu, sizeof wish.gpu);
        return set_engine(call, &wish, error);
}

static int switched(struct call *call, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);

        if (view.switching)
                return 0;
        if (view.opened < 0)
                return sd_bus_error_setf(error, ERROR("Failed"), "%s", view.opened_why);
        return 1;
}

static int gpu_switched(struct call *call, sd_bus_error *error)
{
        const struct control_view view = bus_ask(call->bus);

        if (!view.switching && view.opened == -ENOENT)
                return sd_bus_error_setf(error, ERROR("NoSuchGpu"), "%s", view.opened_why);
        return switched(call, error);
}

/* ---- the configuration ---- */

static void first_complaint(void *userdata, const char *message)
{
        struct call *call = userdata;

        if (!call->text[0])
                snprintf(call->text, sizeof call->text, "%s", message);
        log_warning("%s", message);
}

static void read_files(struct call *call)
{
        call->result = call->bus->control->read_config(call->bus->supervisor, &call->config, first_complaint, call);
}

static int apply_reload(struct call *call, sd_bus_error *error)
{
        if (call->result < 0)
                return sd_bus_error_setf(error, ERROR("BadConfiguration"), "%s", call->text);
        return tell_engine(call, call->bus->control->take_config(call->bus->supervisor, &call->config), error);
}

/* ---- descriptors ---- */

static int parse_hold(struct call *call, sd_bus_error *error)
{
        int r = read_text(call, call->text, 65, error);
        if (r == 0 && !call->text[0])
                r = sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "the reason must not be empty");
        return r < 0 ? r : 1;
}

static int apply_hold(struct call *call, sd_bus_error *error)
{
        return bus_handle_new(call, call->text, false, error);
}

static int apply_subscribe(struct call *call, sd_bus_error *error)
{
        return bus_handle_new(call, "a subscriber", true, error);
}

/* The message keeps a copy of the descriptor. */
static int reply_fd(struct call *call, sd_bus_message *reply, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "h", call->fd);
}

#define CONTROL INTERFACE_NAME ".control"
#define CONFIGURE INTERFACE_NAME ".configure"

const struct method bus_methods[] = {
        {"Start", CONTROL, parse_start, apply_start, gpu_is_ready},
        {"Stop", CONTROL, parse_stop, apply_stop},
        {"Pause", CONTROL, parse_pause, apply_pause, camera_is_closed},
        {"Resume", CONTROL, parse_resume, apply_resume},
        {"SetEffect", CONTROL, parse_set_effect, apply_effect},
        {"SetMode", CONTROL, parse_set_mode, apply_mode},
        {"SetCamera", CONFIGURE, parse_set_camera, apply_camera},
        {"SetModel", CONFIGURE, parse_set_model, apply_model, switched, .work = bus_list_models},
        {"SetGpu", CONFIGURE, parse_set_gpu, apply_gpu, gpu_switched},
        {"Reload", CONFIGURE, NULL, apply_reload, switched, .work = read_files},
        {"ListCameras", .work = bus_list_cameras, .reply = bus_reply_cameras, .shared = true},
        {"ListGpus", .work = bus_list_gpus, .reply = bus_reply_gpus, .shared = true},
        {"ListModels", .parse = bus_parse_models, .work = bus_list_models, .reply = bus_reply_models, .shared = true},
        {"Snapshot", BUS_WATCH, bus_take_snapshot, .work = bus_write_snapshot, .reply = reply_fd},
        {"Subscribe", BUS_WATCH, .apply = apply_subscribe, .reply = reply_fd},
        {"Hold", CONTROL, parse_hold, apply_hold, .reply = reply_fd},
        {NULL},
};
