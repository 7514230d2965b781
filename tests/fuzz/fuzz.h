/* What the targets share.  A target gets bytes that stand for a file or a frame.  It must not crash, leak, or access
 * memory that is not its own (the sanitizers check that), and what it asserts with MUST() must hold.  The bytes come
 * from libFuzzer, or from files by way of replay.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"

/* Not assert(): it must also work in a build without assertions. */
#define MUST(condition)                                                                                                \
        do {                                                                                                           \
                if (!(condition)) {                                                                                    \
                        fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
                        abort();                                                                                       \
                }                                                                                                      \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* the target; returns 0 */

/* Of libFuzzer: changes `data` in place and returns its new size, which is `max` at most. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
/* A target may define its own mutator, for formats with lengths and checksums. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* ---- memory.c ---- */

/* The path of a file in memory that has these bytes, and then zeros up to `total`.  It is the same file each time. */
const char *memory_file(const uint8_t *data, size_t size, size_t total);

/* Bytes that end at an inaccessible page, so that libraries built without a sanitizer also crash if they access memory
 * beyond the end.  `capacity`: the most that will be requested. */
struct guarded {
        uint8_t *map;
        size_t length;
};
struct guarded guarded_new(size_t capacity);
uint8_t *guarded_take(const struct guarded *guarded, size_t size);

/* Reads all bytes, so that a sanitizer checks each of them. */
uint32_t bytes_sum(const uint8_t *data, size_t size);

/* Checks the line for the user that explains an error: it is not empty and has no control characters. */
void line_check(const char *why);

/* ---- network.c ---- */

/* Builds the graph and the memory plan of the network that a model file describes, and checks both. */
void network_check(const struct model_info *info);
