#include <math.h>

#include "daemon/evaluation/confusion.h"

void confusion_add(struct confusion *confusion, const uint8_t *truth, const uint8_t *predicted, size_t pixels)
{
        for (size_t i = 0; i < pixels; i++)
                if (truth[i] != CONFUSION_IGNORE)
                        confusion->count[truth[i]][predicted[i]]++;
}

void confusion_merge(const struct confusion *confusion, const int *truths, const int *predictions, unsigned classes,
                     struct confusion *ret)
{
        *ret = (struct confusion){.truths = classes, .predictions = classes};
        for (unsigned i = 0; i < confusion->truths; i++)
                for (unsigned j = 0; truths[i] != CONFUSION_DROP && j < confusion->predictions; j++)
                        ret->count[truths[i]][predictions[j]] += confusion->count[i][j];
}

struct confusion_score confusion_score(const struct confusion *confusion, unsigned class)
{
        const uint64_t hits = confusion->count[class][class];
        struct confusion_score score = {0};

        for (unsigned i = 0; i < confusion->truths; i++) {
                score.truth += confusion->count[class][i];
                score.predicted += confusion->count[i][class];
        }
        const uint64_t both = score.truth + score.predicted;
        score.f1 = both > 0 ? 2.0 * hits / both : NAN;
        score.iou = both > 0 ? (double)hits / (both - hits) : NAN;
        return score;
}

static double mean(const struct confusion *confusion, unsigned first, double (*value)(struct confusion_score score))
{
        double sum = 0;
        unsigned n = 0;

        for (unsigned i = first; i < confusion->truths; i++) {
                double v = value(confusion_score(confusion, i));
                if (isnan(v))
                        continue;
                sum += v;
                n++;
        }
        return n > 0 ? sum / n : NAN;
}

static double f1(struct confusion_score score)
{
        return score.f1;
}

static double iou(struct confusion_score score)
{
        return score.iou;
}

double confusion_mean_f1(const struct confusion *confusion)
{
        return mean(confusion, 1, f1);
}

double confusion_mean_iou(const struct confusion *confusion)
{
        return mean(confusion, 0, iou);
}
