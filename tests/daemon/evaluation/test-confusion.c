/* The arithmetic of evaluation: counting, merging, scores, the label sets. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/evaluation/confusion.h"
#include "daemon/evaluation/label-set.h"
#include "tests/cm.h"

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void test_add(void **state)
{
        static const uint8_t truth[] = {0, 1, 1, 255, 2, 255}, predicted[] = {0, 1, 3, 0, 3, 2};
        struct confusion c = {.truths = 3, .predictions = 4};

        confusion_add(&c, truth, predicted, 6);
        confusion_add(&c, truth, predicted, 2);
        assert_int_equal(c.count[0][0], 2);
        assert_int_equal(c.count[1][1], 2);
        assert_int_equal(c.count[1][3], 1);
        assert_int_equal(c.count[2][3], 1);
        assert_int_equal(c.count[2][2] + c.count[0][2] + c.count[1][0], 0);
}

static void test_scores(void **state)
{
        /* Class 2 is in the truth only, 3 in the predictions only, 4 in neither. */
        struct confusion c = {.truths = 5, .predictions = 5, .count = {{10, 2}, {1, 6, 0, 1}, {0, 4}}};
        struct confusion_score s = confusion_score(&c, 1);

        assert_int_equal(s.truth, 8);
        assert_int_equal(s.predicted, 12);
        assert_near(s.f1, 12.0 / 20);
        assert_near(s.iou, 6.0 / 14);
        assert_true(confusion_score(&c, 2).f1 == 0 && confusion_score(&c, 2).iou == 0);
        assert_true(confusion_score(&c, 3).f1 == 0 && confusion_score(&c, 3).iou == 0);
        assert_true(isnan(confusion_score(&c, 4).f1) && isnan(confusion_score(&c, 4).iou));
        assert_near(confusion_mean_f1(&c), 0.6 / 3);
        assert_near(confusion_mean_iou(&c), (10.0 / 13 + 6.0 / 14) / 4);
}

static void test_nothing(void **state)
{
        struct confusion none = {.truths = 3, .predictions = 3}, background = {.truths = 3, .predictions = 3, {{7}}};

        assert_true(isnan(confusion_mean_f1(&none)) && isnan(confusion_mean_iou(&none)));
        assert_true(isnan(confusion_mean_f1(&background)));
        assert_near(confusion_mean_iou(&background), 1);
}

static void test_counts_beyond_32_bits(void **state)
{
        struct confusion c = {.truths = 2, .predictions = 2, .count = {{5000000000, 0}, {1, 5000000000}}};

        assert_int_equal(confusion_score(&c, 1).truth, 5000000001);
        assert_true(confusion_score(&c, 1).f1 < 1);
}

static void test_merge(void **state)
{
        struct confusion c = {.truths = 3, .predictions = 2, .count = {{1, 2}, {4, 8}, {16, 32}}}, merged;

        confusion_merge(&c, (int[]){0, CONFUSION_DROP, 1}, (int[]){1, 0}, 2, &merged);
        assert_int_equal(merged.truths, 2);
        assert_int_equal(merged.predictions, 2);
        assert_int_equal(merged.count[0][0], 2);
        assert_int_equal(merged.count[0][1], 1);
        assert_int_equal(merged.count[1][0], 32);
        assert_int_equal(merged.count[1][1], 16);
        confusion_merge(&c, (int[]){0, 0, 0}, (int[]){0, 0}, 1, &merged);
        assert_int_equal(merged.count[0][0], 63);
}

static void test_label_sets(void **state)
{
        static const int nineteen[] = {0, 1, 6, CONFUSION_DROP, 4, 5, 2, 3, 0, 0, 8, 7, 9, 10, 0, 0, 0, 0, 0};
        struct model_info model = {.classes = 19};
        const struct label_set *eleven = label_set_known(11);
        int among[MODEL_CLASSES_MAX];

        assert_null(label_set_known(5));
        label_set_among(label_set_known(19), eleven, CONFUSION_DROP, among);
        assert_memory_equal(among, nineteen, sizeof nineteen);
        label_set_among(label_set_known(19), eleven, 0, among);
        assert_int_equal(among[3], 0);
        label_set_among(eleven, eleven, CONFUSION_DROP, among);
        for (int i = 0; i < 11; i++)
                assert_int_equal(among[i], i);
        label_set_among(label_set_known(20), label_set_known(19), CONFUSION_DROP, among);
        for (int i = 0; i < 19; i++)
                assert_int_equal(among[i], i);
        assert_int_equal(among[19], 0);

        for (int i = 0; i < 19; i++)
                strcpy(model.class[i].name, label_set_known(19)->name[i]);
        struct label_set set = label_set_of(&model);
        assert_true(label_set_equal(&set, label_set_known(19)));
        assert_false(label_set_equal(&set, label_set_known(11)));
        strcpy(model.class[18].name, "coat");
        assert_false(label_set_equal(&set, label_set_known(19)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_add),     cmocka_unit_test(test_scores),
                cmocka_unit_test(test_nothing), cmocka_unit_test(test_counts_beyond_32_bits),
                cmocka_unit_test(test_merge),   cmocka_unit_test(test_label_sets),
        };

        return cmocka_run_group_tests_name("daemon/confusion", tests, NULL, NULL);
}
