/* Makes model files, good ones and damaged ones. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* The file all tests of a program write to, one after the other. */
const char *forge_path(void);
void forge_remove(void);

/* 8 bytes of `length`, the header, the data. */
void forge_write(uint64_t length, const char *header, size_t header_size, const void *data, size_t data_size);

/* A small network that has every part. */
struct model_info forge_info(void);

/* The same with inverted blocks. */
struct model_info forge_inverted_info(void);

/* The header of a good file for `info`, which the caller may change, and the bytes of its data in *ret_size. */
json_t *forge_header(const struct model_info *info, bool half, size_t *ret_size);
/* Data for it.  Every element can be computed from its index. */
uint16_t forge_half(size_t index);
float forge_single(size_t index);
void *forge_data(bool half, size_t size);

/* Writes both to the file, and releases the header. */
void forge_model(json_t *header, const void *data, size_t size);
