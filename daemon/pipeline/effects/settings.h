/* The chosen effects: a chain, and the values of their options. */
#pragma once

#include "daemon/pipeline/effects/effect.h"

#define EFFECT_CHAIN_MAX 4   /* effects in a chain */
#define EFFECT_TEXT_MAX 1024 /* bytes of a text about effects */

struct effect_settings {
        uint32_t chain;                              /* bit i: effects[i] is in it; at least one is */
        double options[EFFECTS][EFFECT_OPTIONS_MAX]; /* of all effects, in the chain or not */
};

/* Sets the options of the effects in `chain` to their defaults, and leaves the others. */
void effect_settings_reset(struct effect_settings *settings, uint32_t chain);
bool effect_settings_equal(const struct effect_settings *a, const struct effect_settings *b);

/* ---- the chain ---- */

/* Names joined by "+", in any order: "blur+mirror".  They are applied in the order of effects[], because an effect that
 * moves pixels must come after those that use the labels.  -EINVAL: an unknown name, a repeated one, more than
 * EFFECT_CHAIN_MAX, or a combination with one that cannot be combined. */
int effect_chain_parse(const char *text, uint32_t *ret);
/* The names in the order in which they are applied. */
void effect_chain_format(uint32_t chain, char ret[EFFECT_TEXT_MAX]);
/* What effect_chain_parse() takes: completes "must be ...". */
void effect_chain_allowed(char ret[EFFECT_TEXT_MAX]);

/* ---- an option ---- */

/* Finds an option of the effects in `chain`; *ret_value is its place in `settings`.  NULL: there is none. */
const struct effect_option *effect_option_find(struct effect_settings *settings, uint32_t chain, const char *name,
                                               double **ret_value);
/* A plain decimal number.  -EINVAL: it is not one, or out of range. */
int effect_option_parse(const struct effect_option *option, const char *text, double *ret);
bool effect_option_allows(const struct effect_option *option, double value); /* not a NaN */
/* "a number from 0.25 to 4" */
void effect_option_allowed(const struct effect_option *option, char ret[EFFECT_TEXT_MAX]);
