/* Faults by the hundred: each kind is put at a pseudo-random step of a session, again and again. */
#pragma once

#include <stdint.h>

#define CAMPAIGN_KINDS_MAX 128

struct campaign_score {
        unsigned injected, recovered, lost; /* lost: steps without a good frame, in all sessions */
};

struct campaign_kind {
        const char *name;
        /* One session; fails the test by itself when something is wrong in it.  Adds to the score. */
        void (*session)(const void *fault, struct campaign_score *score);
        const void *fault;
};

/* Runs each kind as a test: VISAGED_LONG=1 makes 1000 sessions of each, otherwise it is 50; VISAGED_SEED is another
 * seed. Every session must give back all descriptors.  Returns what main() returns. */
int campaign_run(const char *name, const struct campaign_kind *kinds, unsigned n);

/* 0 ... below - 1 */
unsigned campaign_random(unsigned below);
