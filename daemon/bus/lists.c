#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/lists.h"
#include "daemon/common/models.h"
#include "daemon/common/text.h"
#include "shaders/gpu.h"
#include "v4l2/camera.h"

/* ---- cameras ---- */

void bus_list_cameras(struct call *call)
{
        struct camera_info *list = NULL;

        call->result = call->count = camera_list(&list);
        call->data = list;
}

static int append_words(sd_bus_message *reply, const char *key, const char *words)
{
        char copy[128], *at = copy, *word;
        int r;

        snprintf(copy, sizeof copy, "%s", words);
        if ((r = sd_bus_message_open_container(reply, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(reply, "s", key)) < 0 ||
            (r = sd_bus_message_open_container(reply, 'v', "as")) < 0 ||
            (r = sd_bus_message_open_container(reply, 'a', "s")) < 0)
                return r;
        while (r >= 0 && (word = strsep(&at, " ")))
                if (*word)
                        r = sd_bus_message_append(reply, "s", word);
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(reply);
        return r;
}

/* The name of a device may not be UTF-8, but text on the bus must be. */
static int append_text(sd_bus_message *reply, const char *key, const char *text)
{
        char clean[PATH_MAX];

        text_utf8(text, clean, sizeof clean);
        return sd_bus_message_append(reply, "{sv}", key, "s", clean);
}

static int append_camera(sd_bus_message *reply, const struct camera_info *camera)
{
        int r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r < 0 || (r = append_text(reply, "node", camera->node)) < 0 ||
            (r = append_text(reply, "id", camera->id)) < 0 || (r = append_text(reply, "name", camera->card)) < 0 ||
            (r = append_text(reply, "driver", camera->driver)) < 0 ||
            (r = append_text(reply, "bus", camera->bus)) < 0 ||
            (r = append_words(reply, "formats", camera->formats)) < 0)
                return r;
        r = sd_bus_message_append(reply, "{sv}{sv}{sv}", "width", "u", camera->width, "height", "u", camera->height,
                                  "accessible", "b", camera->card[0] != '\0');
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

bool bus_is_virtual_camera(const struct bus *bus, const char *node)
{
        const struct config *config = bus_ask(bus).config;
        char own[PATH_MAX];

        for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX && config->virtual_camera[i][0]; i++)
                if (realpath(config->virtual_camera[i], own) && strcmp(own, node) == 0)
                        return true;
        return false;
}

int bus_reply_cameras(struct call *call, sd_bus_message *reply, sd_bus_error *error)
{
        const struct camera_info *list = call->data;

        int r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (int i = 0; r >= 0 && i < call->count; i++)
                if (!bus_is_virtual_camera(call->bus, list[i].node))
                        r = append_camera(reply, &list[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- GPUs ---- */

void bus_list_gpus(struct call *call)
{
        struct gpu_info *list = NULL;
        char why[256];

        call->result = call->count = gpu_list(&list, why, sizeof why);
        call->data = list;
}

static int append_gpu(sd_bus_message *reply, const struct gpu_info *gpu)
{
        char version[32];

        snprintf(version, sizeof version, "%u.%u", gpu->api_major, gpu->api_minor);
        int r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r < 0 || (r = append_text(reply, "name", gpu->name)) < 0 ||
            (r = append_text(reply, "driver", gpu->driver)) < 0 ||
            (r = append_text(reply, "reason", gpu->unusable)) < 0)
                return r;
        r = sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}{sv}{sv}", "index", "u", gpu->index, "kind", "s",
                                  gpu_kind_name(gpu->kind), "vulkan", "s", version, "memory", "t", gpu->memory, "node",
                                  "s", gpu->node, "usable", "b", gpu->unusable[0] == '\0');
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int bus_reply_gpus(struct call *call, sd_bus_message *reply, sd_bus_error *error)
{
        const struct gpu_info *list = call->data;

        int r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (int i = 0; r >= 0 && i < call->count; i++)
                r = append_gpu(reply, &list[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- models ---- */

/* Copied, because the work runs on a thread and a reload may change the configuration meanwhile. */
int bus_parse_models(struct call *call, sd_bus_error *error)
{
        snprintf(call->config.model, sizeof call->config.model, "%s", bus_ask(call->bus).configured_model);
        return 1;
}

void bus_list_models(struct call *call)
{
        struct model_entry *list = NULL;

        call->result = call->count = models_list(call->config.model, &list);
        call->data = list;
}

static int append_model(sd_bus_message *reply, const struct model_entry *model)
{
        int r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r < 0 || (r = append_text(reply, "name", model->name)) < 0 ||
            (r = append_text(reply, "path", model->path)) < 0)
                return r;
        r = sd_bus_message_append(reply, "{sv}{sv}", "size", "t", model->size, "default", "b", model->is_default);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int bus_reply_models(struct call *call, sd_bus_message *reply, sd_bus_error *error)
{
        const struct model_entry *list = call->data;

        int r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (int i = 0; r >= 0 && i < call->count; i++)
                r = append_model(reply, &list[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

const struct model_entry *bus_find_model(const struct call *call, const char *name)
{
        const struct model_entry *list = call->data;

        for (int i = 0; i < call->count; i++)
                if (strcmp(list[i].name, name) == 0)
                        return &list[i];
        return NULL;
}
