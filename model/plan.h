/* Places things that live for a while, and not all at once, in one piece of memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PLAN_ALIGNMENT 256

struct plan_item {
        uint64_t size;     /* 0 is fine */
        uint32_t from, to; /* it lives from the first to the last of these steps, both included */
        uint64_t offset;   /* the result: a multiple of PLAN_ALIGNMENT */
};

/* Two items that live at the same step never overlap.  Returns the bytes of the whole in *ret_size.
 * -ENOMEM; -E2BIG: more than 2^63 bytes. */
int plan_place(struct plan_item *items, size_t count, uint64_t *ret_size);

/* The most that lives at one step: no placement can need less. */
uint64_t plan_peak(const struct plan_item *items, size_t count);
