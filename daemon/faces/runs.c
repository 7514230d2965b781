#include "daemon/faces/runs.h"

static uint32_t root(struct row_run *runs, uint32_t i)
{
        while (runs[i].piece != i) {
                runs[i].piece = runs[runs[i].piece].piece; /* keeps paths short */
                i = runs[i].piece;
        }
        return i;
}

static void join(struct row_run *runs, uint32_t a, uint32_t b)
{
        a = root(runs, a);
        b = root(runs, b);
        if (a < b)
                runs[b].piece = a;
        else
                runs[a].piece = b;
}

static size_t row_runs(const uint8_t *row, uint32_t y, uint32_t width, const uint8_t member[256], size_t count,
                       struct row_run *runs)
{
        for (uint32_t x = 0; x < width; x++) {
                if (!member[row[x]])
                        continue;
                const uint32_t from = x;
                while (x < width && member[row[x]])
                        x++;
                runs[count] = (struct row_run){.y = y, .from = from, .to = x, .piece = count};
                count++;
        }
        return count;
}

/* Joins the runs of a row to those of the row above.  Both are sorted. */
static void join_rows(struct row_run *runs, size_t above, size_t first, size_t end)
{
        for (size_t i = first, k = above; i < end && k < first;) {
                if (runs[k].from <= runs[i].to && runs[i].from <= runs[k].to)
                        join(runs, i, k);
                if (runs[k].to < runs[i].to)
                        k++;
                else
                        i++;
        }
}

size_t runs_connect(const uint8_t *labels, uint32_t width, uint32_t height, const uint8_t member[256],
                    struct row_run *runs)
{
        size_t above = 0, first = 0, end = 0;

        for (uint32_t y = 0; y < height; y++) {
                above = first;
                first = end;
                end = row_runs(labels + (size_t)y * width, y, width, member, end, runs);
                join_rows(runs, above, first, end);
        }
        for (size_t i = 0; i < end; i++) {
                runs[i].piece = root(runs, i);
                runs[runs[i].piece].pixels += runs[i].to - runs[i].from;
        }
        return end;
}
