/* Places items with limited lifetimes in one block of memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PLAN_ALIGNMENT 256

struct plan_item {
        uint64_t size;     /* 0 is fine */
        uint32_t from, to; /* the first and the last step at which it is alive */
        uint64_t offset;   /* the result: a multiple of PLAN_ALIGNMENT */
};

/* Items that are alive at the same step never overlap.  *ret_size is the total number of bytes.
 * -ENOMEM; -E2BIG: more than 2^63 bytes. */
int plan_place(struct plan_item *items, size_t count, uint64_t *ret_size);

/* The most bytes alive at one step: a lower bound for any placement. */
uint64_t plan_peak(const struct plan_item *items, size_t count);
