/* A picture with input, labels and overlay side by side. */
#pragma once

#include "model/model.h"

/* Writes a PNG.  Negative errno. */
int sheet_write(const char *path, const struct model_info *model, uint32_t width, uint32_t height, const uint8_t *rgba,
                const uint8_t *labels);
