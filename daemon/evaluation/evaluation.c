#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "daemon/common/config.h"
#include "daemon/common/table.h"
#include "daemon/common/text.h"
#include "daemon/evaluation/evaluation.h"

static_assert(TABLE_COLUMNS_MAX >= MODEL_CLASSES_MAX + 2, "a confusion matrix is a table");

int evaluation_init(struct evaluation *e, const struct model_info *model, unsigned classes, char *why, size_t why_size)
{
        const struct label_set *known = label_set_known(model->classes);

        *e = (struct evaluation){.predicted = label_set_of(model)};
        e->known = known && label_set_equal(known, &e->predicted);
        if (classes > 0 && !e->known) {
                snprintf(why, why_size,
                         "--classes: the %u classes of model %s are not a known set; without it, classes "
                         "are compared by index",
                         model->classes, model->name);
                return -EINVAL;
        }
        e->truth = classes > 0 ? *label_set_known(classes) : e->predicted;
        e->confusion.truths = e->truth.classes;
        e->confusion.predictions = e->predicted.classes;
        return 0;
}

/* ---- results ---- */

struct result {
        const struct label_set *set; /* in which truth and predictions are compared */
        struct confusion confusion;
        double mean_f1_11, helen_overall; /* NAN: not applicable */
};

static void merge(const struct evaluation *e, const struct label_set *set, struct confusion *ret)
{
        int truths[MODEL_CLASSES_MAX], predictions[MODEL_CLASSES_MAX];

        label_set_among(&e->truth, set, CONFUSION_DROP, truths);
        label_set_among(&e->predicted, set, 0, predictions);
        confusion_merge(&e->confusion, truths, predictions, set->classes, ret);
}

static double helen_overall(const struct confusion *eleven)
{
        struct confusion merged;

        confusion_merge(eleven, label_set_helen_overall, label_set_helen_overall, 2, &merged);
        return confusion_score(&merged, 1).f1;
}

static void conclude(const struct evaluation *e, struct result *ret)
{
        struct confusion eleven;

        *ret = (struct result){&e->truth, e->confusion, NAN, NAN};
        if (!e->known)
                return;
        merge(e, label_set_known(11), &eleven);
        ret->mean_f1_11 = confusion_mean_f1(&eleven);
        ret->helen_overall = helen_overall(&eleven);
        if (e->truth.classes != e->predicted.classes) {
                const unsigned fewer =
                        e->truth.classes < e->predicted.classes ? e->truth.classes : e->predicted.classes;
                ret->set = label_set_known(fewer);
                merge(e, ret->set, &ret->confusion);
        }
}

/* ---- a table ---- */

struct cell {
        char text[32];
};

static const char *percent(double value, struct cell *ret)
{
        snprintf(ret->text, sizeof ret->text, isnan(value) ? "-" : "%.2f", 100 * value);
        return ret->text;
}

static void print_classes(const struct result *result)
{
        struct table table = {.columns = 4, .right = {false, true, true, true}};

        table_row(&table, (const char *[]){"CLASS", "PIXELS", "F1 %", "IOU %"});
        for (unsigned i = 0; i < result->set->classes; i++) {
                const struct confusion_score score = confusion_score(&result->confusion, i);
                struct cell pixels, f1, iou;
                snprintf(pixels.text, sizeof pixels.text, "%ju", (uintmax_t)score.truth);
                table_row(&table, (const char *[]){result->set->name[i], pixels.text, percent(score.f1, &f1),
                                                   percent(score.iou, &iou)});
        }
        table_print(&table, "", stdout);
        table_free(&table);
}

/* A dot for zero, so that other values stand out. */
static void share(uint64_t part, uint64_t whole, struct cell *ret)
{
        if (part == 0)
                snprintf(ret->text, sizeof ret->text, ".");
        else
                snprintf(ret->text, sizeof ret->text, "%.1f", 100.0 * part / whole);
}

static void print_matrix(const struct result *result)
{
        const unsigned n = result->set->classes;
        struct table table = {.columns = n + 2, .right = {true, false}};
        struct cell cells[TABLE_COLUMNS_MAX] = {{"#"}, {"TRUTH"}};
        const char *row[TABLE_COLUMNS_MAX];

        for (unsigned i = 0; i < n + 2; i++)
                row[i] = cells[i].text;
        for (unsigned i = 0; i < n; i++) {
                table.right[i + 2] = true;
                snprintf(cells[i + 2].text, sizeof cells->text, "%u", i);
        }
        table_row(&table, row);
        for (unsigned i = 0; i < n; i++) {
                const uint64_t pixels = confusion_score(&result->confusion, i).truth;
                snprintf(cells[0].text, sizeof cells->text, "%u", i);
                row[1] = result->set->name[i];
                for (unsigned j = 0; j < n; j++)
                        share(result->confusion.count[i][j], pixels, &cells[j + 2]);
                table_row(&table, row);
        }
        printf("\nConfusion: per cent of each true class's pixels, by predicted class\n");
        table_print(&table, "", stdout);
        table_free(&table);
}

static void print_summary(const struct evaluation *e, const struct result *result, const struct engine *engine)
{
        struct table table = {.columns = 2};
        struct cell cell;

        table_row(&table, (const char *[]){"mean F1 %", percent(confusion_mean_f1(&result->confusion), &cell)});
        table_row(&table, (const char *[]){"mIoU %", percent(confusion_mean_iou(&result->confusion), &cell)});
        if (e->known) {
                table_row(&table, (const char *[]){"11-class mean F1 %", percent(result->mean_f1_11, &cell)});
                table_row(&table, (const char *[]){"Helen overall F1 %", percent(result->helen_overall, &cell)});
        }
        snprintf(cell.text, sizeof cell.text, "%ju", (uintmax_t)e->parse.count);
        table_row(&table, (const char *[]){"pictures", cell.text});
        snprintf(cell.text, sizeof cell.text, "%.1f", stats_median_ms(&e->parse));
        table_row(&table, (const char *[]){"median ms per picture", cell.text});
        table_row(&table, (const char *[]){"model", engine->model.name});
        table_row(&table, (const char *[]){"precision", precision_names[engine->precision]});
        table_row(&table, (const char *[]){"device", gpu_info(engine->gpu)->name});
        putchar('\n');
        table_print(&table, "", stdout);
        table_free(&table);
}

void evaluation_print_table(const struct evaluation *e, const struct engine *engine, bool matrix)
{
        struct result result;

        conclude(e, &result);
        print_classes(&result);
        if (matrix)
                print_matrix(&result);
        print_summary(e, &result, engine);
}

/* ---- JSON ---- */

static json_t *number(double value)
{
        return isnan(value) ? json_null() : json_real(value);
}

static json_t *json_classes(const struct result *result)
{
        json_t *array = json_array();

        for (unsigned i = 0; i < result->set->classes; i++) {
                const struct confusion_score score = confusion_score(&result->confusion, i);
                json_array_append_new(array,
                                      json_pack("{s:i, s:o, s:I, s:o, s:o}", "index", (int)i, "name",
                                                text_json(result->set->name[i]), "pixels", (json_int_t)score.truth,
                                                "f1", number(score.f1), "iou", number(score.iou)));
        }
        return array;
}

static json_t *json_matrix(const struct confusion *confusion)
{
        json_t *rows = json_array();

        for (unsigned i = 0; i < confusion->truths; i++) {
                json_t *row = json_array();
                for (unsigned j = 0; j < confusion->predictions; j++)
                        json_array_append_new(row, json_integer((json_int_t)confusion->count[i][j]));
                json_array_append_new(rows, row);
        }
        return rows;
}

void evaluation_print_json(const struct evaluation *e, const struct engine *engine, bool matrix)
{
        struct result result;

        conclude(e, &result);
        json_t *root = json_pack(
                "{s:o, s:s, s:o, s:s, s:i, s:f, s:o, s:o, s:o, s:o, s:o}", "model", text_json(engine->model.name),
                "precision", precision_names[engine->precision], "device", text_json(gpu_info(engine->gpu)->name),
                "backend", gpu_backend_name(gpu_backend(engine->gpu)), "pictures", (int)e->parse.count,
                "ms_per_picture", stats_median_ms(&e->parse), "classes", json_classes(&result), "mean_f1",
                number(confusion_mean_f1(&result.confusion)), "miou", number(confusion_mean_iou(&result.confusion)),
                "mean_f1_11", number(result.mean_f1_11), "helen_overall", number(result.helen_overall));

        if (matrix)
                json_object_set_new(root, "confusion", json_matrix(&result.confusion));
        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
        putchar('\n');
        json_decref(root);
}
