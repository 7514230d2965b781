/* Finds the fastest algorithm of a layer by running all that can compute it. */
#include "shaders/ops/conv.h"
#include "shaders/ops/stopwatch.h"

enum { ROUNDS = 7 };

/* Another algorithm replaces the guess if it takes at most this part of its time: no two timings are quite the same. */
#define CLEARLY_FASTER 0.95

struct contest {
        struct conv_trial trials[CONV_CANDIDATES];
        double best[CONV_CANDIDATES]; /* the shortest run */
        unsigned count;
};

static int prepare(struct gpu *gpu, const struct gpu_conv *conv, struct contest *contest)
{
        const struct conv_algorithm *candidates[CONV_CANDIDATES];
        int r = 0;

        contest->count = conv_candidates(&gpu->caps, gpu->backend, conv, candidates);
        for (unsigned i = 0; i < contest->count && r == 0; i++) {
                struct gpu_conv with = *conv;
                with.algorithm = candidates[i];
                contest->best[i] = 1e9;
                r = conv_trial_new(gpu, &with, &contest->trials[i]);
                if (r == 0)
                        r = conv_trial_clear(&contest->trials[i]);
                if (r == 0)
                        r = gpu_run(contest->trials[i].program); /* drivers compile in the first run */
        }
        return r;
}

/* They take turns, so that other load on the machine affects all of them alike. */
static int compete(struct contest *contest, const struct gpu_tuning *tuning)
{
        double took;
        int r = 0;

        for (unsigned i = 0; i < ROUNDS * contest->count && r == 0; i++) {
                struct conv_trial *trial = &contest->trials[i % contest->count];
                double *best = &contest->best[i % contest->count];

                r = timed_run(trial->program, &took);
                if (took < *best)
                        *best = took;
                if (r == 0 && tuning->ran && !tuning->ran(tuning->userdata, &trial->conv, took))
                        r = -ECANCELED;
        }
        return r;
}

static const struct conv_algorithm *winner(const struct contest *contest, const struct conv_algorithm *guess)
{
        unsigned fastest = 0, guessed = 0;

        for (unsigned i = 0; i < contest->count; i++) {
                if (contest->best[i] < contest->best[fastest])
                        fastest = i;
                if (contest->trials[i].conv.algorithm == guess)
                        guessed = i;
        }
        return contest->best[fastest] < CLEARLY_FASTER * contest->best[guessed]
                       ? contest->trials[fastest].conv.algorithm
                       : guess;
}

int gpu_conv_tune(struct gpu *gpu, const struct gpu_conv *conv, const struct gpu_tuning *tuning)
{
        struct contest contest = {.count = 0};

        if (!gpu_conv_is_guess(gpu, conv))
                return 0;
        int r = prepare(gpu, conv, &contest);
        if (r == 0)
                r = compete(&contest, tuning);
        if (r == 0)
                r = conv_remember(gpu, conv, winner(&contest, conv_guess(&gpu->caps, gpu->backend, conv)));
        for (unsigned i = 0; i < contest.count; i++)
                conv_trial_free(&contest.trials[i]);
        return r;
}

int gpu_tuning_save(const struct gpu *gpu)
{
        return choices_save(gpu);
}
