/* What the targets share.  A target is handed bytes that stand for a file or a frame; it must not crash, leak or touch
 * memory that is not its own (the sanitizers see to that), and what it says with MUST() must hold.  Bytes come from
 * libFuzzer, or from files by way of replay.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"

/* Not assert(): this must hold in a build without assertions too. */
#define MUST(condition)                                                                                                \
        do {                                                                                                           \
                if (!(condition)) {                                                                                    \
                        fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
                        abort();                                                                                       \
                }                                                                                                      \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* the target; returns 0 */

/* libFuzzer's: changes `data` in place and returns its new size, `max` at most. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
/* A target may have one of its own, for formats with lengths and checksums. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* ---- memory.c ---- */

/* The path of a file in memory with these bytes and then zeros up to `total`.  It is the same one each time. */
const char *memory_file(const uint8_t *data, size_t size, size_t total);

/* Bytes that end where the page after them cannot be touched: libraries built without a sanitizer are caught too when
 * they step over the end.  `capacity` bytes at most are asked for each time. */
struct guarded {
        uint8_t *map;
        size_t length;
};
struct guarded guarded_new(size_t capacity);
uint8_t *guarded_take(const struct guarded *guarded, size_t size);

/* Touches them all. */
uint32_t bytes_sum(const uint8_t *data, size_t size);

/* One line for a person went with an error: there is one, and it has no control characters. */
void line_check(const char *why);

/* ---- network.c ---- */

/* Builds the network's graph and the memory plan from what a model file says of itself, and checks both. */
void network_check(const struct model_info *info);
