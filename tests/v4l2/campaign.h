/* Injects each kind of fault again and again, each time at a pseudo-random step of a new session. */
#pragma once

#include <stdint.h>

#define CAMPAIGN_KINDS_MAX 128

struct campaign_score {
        unsigned injected, recovered, lost; /* lost: steps without a good frame, in all sessions */
};

struct campaign_kind {
        const char *name;
        /* Runs one session.  Fails the test if something goes wrong, and adds to the score. */
        void (*session)(const void *fault, struct campaign_score *score);
        const void *fault;
};

/* Runs each kind as a test: 1000 sessions with VISAGED_LONG=1, otherwise 50.  VISAGED_SEED sets another seed.  Every
 * session must close all of its descriptors.  Returns the exit status for main(). */
int campaign_run(const char *name, const struct campaign_kind *kinds, unsigned n);

/* 0 ... below - 1 */
unsigned campaign_random(unsigned below);
