#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/cm.h"
#include "tests/v4l2/campaign.h"

static uint64_t noise;
static unsigned seed = 1, sessions = 50;

unsigned campaign_random(unsigned below)
{
        noise = noise * 6364136223846793005u + 1442695040888963407u;
        return (unsigned)(noise >> 33) % below;
}

static unsigned descriptors(void)
{
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

static void run_kind(void **state)
{
        const struct campaign_kind *kind = *state;
        struct campaign_score score = {0};
        unsigned before = descriptors();

        noise = seed; /* each kind can be run again by itself */
        for (unsigned i = 0; i < sessions; i++) {
                kind->session(kind->fault, &score);
                if (descriptors() != before)
                        fail_msg("session %u of seed %u: %u descriptors, not %u", i, seed, descriptors(), before);
        }
        printf("# %-40s injected %5u  recovered %5u  lost %6u\n", kind->name, score.injected, score.recovered,
               score.lost);
        fflush(stdout);
        assert_int_equal(score.injected, sessions);
        assert_int_equal(score.recovered, sessions);
}

int campaign_run(const char *name, const struct campaign_kind *kinds, unsigned n)
{
        struct CMUnitTest tests[CAMPAIGN_KINDS_MAX];
        const char *text = getenv("VISAGED_SEED");

        if (n > CAMPAIGN_KINDS_MAX)
                return 1;
        seed = text ? (unsigned)atoi(text) : seed;
        sessions = getenv("VISAGED_LONG") ? 1000 : sessions;
        for (unsigned i = 0; i < n; i++)
                tests[i] = (struct CMUnitTest){kinds[i].name, run_kind, NULL, NULL, (void *)&kinds[i]};
        fprintf(stderr, "seed %u\n", seed);
        return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}
