/* Private to bus/: lists of cameras, GPUs and models.  They are made on a thread, because that opens every node. */
#pragma once

#include "daemon/bus/private.h"
#include "daemon/common/models.h"

void bus_list_cameras(struct call *call);
int bus_reply_cameras(struct call *call, sd_bus_message *reply, sd_bus_error *error);
/* Whether a camera's node is one that we feed. */
bool bus_is_virtual_camera(const struct bus *bus, const char *node);
void bus_list_gpus(struct call *call);
int bus_reply_gpus(struct call *call, sd_bus_message *reply, sd_bus_error *error);
int bus_parse_models(struct call *call, sd_bus_error *error);
void bus_list_models(struct call *call);
int bus_reply_models(struct call *call, sd_bus_message *reply, sd_bus_error *error);

/* A model of the list that bus_list_models() made.  NULL: there is none of that name. */
const struct model_entry *bus_find_model(const struct call *call, const char *name);
