/* The promises of plan.h, with random lifetimes. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "model/plan.h"
#include "tests/cm.h"

#define ITEMS 200

static uint32_t state_of_random = 1;

static uint32_t random_below(uint32_t limit)
{
        state_of_random = state_of_random * 1664525 + 1013904223;
        return (uint32_t)((uint64_t)(state_of_random >> 4) * limit >> 28);
}

static void check(const struct plan_item *items, size_t count, uint64_t total)
{
        uint64_t end = 0, sum = 0;

        for (size_t i = 0; i < count; i++) {
                const struct plan_item *a = &items[i];

                assert_int_equal(a->offset % PLAN_ALIGNMENT, 0);
                assert_true(a->offset + a->size <= total);
                if (a->offset + a->size > end)
                        end = a->offset + a->size;
                sum += a->size + PLAN_ALIGNMENT;
                for (size_t j = 0; j < i; j++) {
                        const struct plan_item *b = &items[j];

                        if (a->from <= b->to && b->from <= a->to)
                                assert_true(a->offset + a->size <= b->offset || b->offset + b->size <= a->offset);
                }
        }
        assert_true(total >= plan_peak(items, count));
        assert_true(total <= sum);
        assert_true(total < end + PLAN_ALIGNMENT);
}

static void test_random(void **state)
{
        struct plan_item items[ITEMS];

        for (int round = 0; round < 500; round++) {
                size_t count = 1 + random_below(ITEMS);
                uint32_t steps = 1 + random_below(100), life = 1 + random_below(20);
                uint32_t most = round % 3 == 0 ? 2000 : 1 << 28;
                uint64_t total;

                for (size_t i = 0; i < count; i++) {
                        uint32_t from = random_below(steps);

                        items[i] = (struct plan_item){random_below(most), from, from + random_below(life), 77};
                }
                assert_int_equal(plan_place(items, count, &total), 0);
                check(items, count, total);
        }
}

/* Two that are never alive together share a place; the third is placed beside them. */
static void test_shares(void **state)
{
        struct plan_item items[] = {{1000, 0, 1}, {600, 2, 3}, {300, 1, 2}, {0, 0, 3}};
        uint64_t total;

        assert_int_equal(plan_place(items, 4, &total), 0);
        check(items, 4, total);
        assert_int_equal(items[0].offset, items[1].offset);
        assert_int_equal(total, 1024 + 512);
        assert_int_equal(plan_peak(items, 4), 1024 + 512);
}

/* The smallest gap that is large enough is used, not the first. */
static void test_best_fit(void **state)
{
        struct plan_item items[] = {
                {8192, 0, 5}, {4096, 0, 0}, {2048, 0, 5}, {1024, 0, 0}, {896, 0, 5}, {768, 1, 1},
        };
        uint64_t total;

        assert_int_equal(plan_place(items, 6, &total), 0);
        check(items, 6, total);
        assert_int_equal(items[5].offset, items[3].offset);
        assert_int_equal(total, 8192 + 4096 + 2048 + 1024 + 1024);
}

static void test_nothing(void **state)
{
        struct plan_item item = {0, 0, 0, 5};
        uint64_t total = 1;

        assert_int_equal(plan_place(NULL, 0, &total), 0);
        assert_int_equal(total, 0);
        assert_int_equal(plan_place(&item, 1, &total), 0);
        assert_int_equal(total, 0);
        assert_int_equal(plan_peak(NULL, 0), 0);
}

static void test_too_big(void **state)
{
        struct plan_item items[] = {{INT64_MAX / 2, 0, 0}, {INT64_MAX / 2 + 512, 1, 1}};
        uint64_t total = 7;

        assert_int_equal(plan_place(items, 2, &total), -E2BIG);
        items[0].size = UINT64_MAX;
        assert_int_equal(plan_place(items, 1, &total), -E2BIG);
        assert_int_equal(total, 7);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),  cmocka_unit_test(test_shares),  cmocka_unit_test(test_best_fit),
                cmocka_unit_test(test_nothing), cmocka_unit_test(test_too_big),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
