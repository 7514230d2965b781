#include <math.h>
#include <time.h>

#include "shaders/ops/stopwatch.h"

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec + 1e-9 * t.tv_nsec;
}

int timed_run(struct gpu_program *program, double *ret)
{
        const double since = now();
        const int r = gpu_run(program);

        *ret = now() - since;
        return r;
}

int shortest_run(struct gpu_program *program, int runs, double hopeless, double *ret)
{
        double took;
        int r = timed_run(program, &took);

        *ret = INFINITY;
        for (int i = 0; i < runs && r == 0; i++) {
                r = timed_run(program, &took);
                *ret = fmin(*ret, took);
                if (took > hopeless)
                        break;
        }
        return r;
}
