/* The metadata of a model file. */
#pragma once

#include "model/model.h"
#include "model/safetensors.h"

/* -EBADMSG: a key is missing or wrong, and `why` names `path` and the key. */
int info_parse(const struct safetensors *file, const char *path, struct model_info *ret, char *why, size_t why_size);
