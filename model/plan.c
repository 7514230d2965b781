#include <errno.h>
#include <stdlib.h>

#include "model/plan.h"

static uint64_t aligned(uint64_t size)
{
        return (size + PLAN_ALIGNMENT - 1) / PLAN_ALIGNMENT * PLAN_ALIGNMENT;
}

/* Large before small; among equals the one that is alive earlier, so that the result does not depend on qsort(). */
static int compare_size(const void *a, const void *b)
{
        const struct plan_item *x = *(struct plan_item *const *)a, *y = *(struct plan_item *const *)b;

        if (x->size != y->size)
                return x->size < y->size ? 1 : -1;
        return (x > y) - (x < y);
}

static int compare_offset(const void *a, const void *b)
{
        const struct plan_item *x = *(struct plan_item *const *)a, *y = *(struct plan_item *const *)b;

        return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The smallest gap that fits between the `count` items of `busy`, or the place after all of them. */
static uint64_t best_fit(struct plan_item **busy, size_t count, uint64_t size)
{
        uint64_t end = 0, best = 0, best_hole = UINT64_MAX;

        qsort(busy, count, sizeof *busy, compare_offset);
        for (size_t i = 0; i < count; i++) {
                if (busy[i]->offset > end && busy[i]->offset - end >= size && busy[i]->offset - end < best_hole) {
                        best = end;
                        best_hole = busy[i]->offset - end;
                }
                if (busy[i]->offset + aligned(busy[i]->size) > end)
                        end = busy[i]->offset + aligned(busy[i]->size);
        }
        return best_hole == UINT64_MAX ? end : best;
}

int plan_place(struct plan_item *items, size_t count, uint64_t *ret_size)
{
        struct plan_item **order = calloc(2 * count + 1, sizeof *order), **busy = order + count;
        uint64_t total = 0, sum = 0;

        if (!order)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                order[i] = &items[i];
                /* The sum of all sizes bounds every offset. */
                if (items[i].size > INT64_MAX - PLAN_ALIGNMENT || (sum += aligned(items[i].size)) > INT64_MAX) {
                        free(order);
                        return -E2BIG;
                }
        }
        qsort(order, count, sizeof *order, compare_size);

        for (size_t i = 0; i < count; i++) {
                struct plan_item *item = order[i];
                size_t n = 0;

                for (size_t j = 0; j < i; j++)
                        if (order[j]->from <= item->to && item->from <= order[j]->to)
                                busy[n++] = order[j];
                item->offset = best_fit(busy, n, aligned(item->size));
                if (item->offset + aligned(item->size) > total)
                        total = item->offset + aligned(item->size);
        }
        free(order);
        *ret_size = total;
        return 0;
}

uint64_t plan_peak(const struct plan_item *items, size_t count)
{
        uint64_t peak = 0;

        /* The maximum occurs where some item starts. */
        for (size_t i = 0; i < count; i++) {
                uint64_t sum = 0;

                for (size_t j = 0; j < count; j++)
                        if (items[j].from <= items[i].from && items[i].from <= items[j].to)
                                sum += aligned(items[j].size);
                if (sum > peak)
                        peak = sum;
        }
        return peak;
}
